/*
 * One 64-bit hash of the key in `meta`, from which slots and filter bits are taken: multiplications by odd constants,
 * each followed by a fold of the high half, the only part that depends on all bits. It is a macro for the body of an
 * action, so that a packet's tuples are one loop, where an extern would be called for each of them; and every
 * step goes through a scratch register, since p4c would otherwise repeat the whole expression at each use.
 */
#define MIX_KEY_ACTION \
    action mix_key() { \
        scratch.write(0, meta.key0 * 0x9E3779B97F4A7C15); \
        scratch.read(meta.hash, 0); \
        scratch.write(0, (meta.hash ^ (meta.hash >> 32) ^ meta.key1) * 0xC2B2AE3D27D4EB4F); \
        scratch.read(meta.hash, 0); \
        scratch.write(0, (meta.hash ^ (meta.hash >> 29) ^ meta.key2) * 0x165667B19E3779F9); \
        scratch.read(meta.hash, 0); \
        scratch.write(0, meta.hash ^ (meta.hash >> 32)); \
        scratch.read(meta.hash, 0); \
    }
