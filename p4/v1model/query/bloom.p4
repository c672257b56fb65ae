/*
 * Join pruning: one side of a join puts its keys into a Bloom filter of three bits per key, and tuples of the other
 * side whose key is certainly not in it are dropped. Words of another epoch count as empty, so nothing is cleared.
 */
control Bloom(inout headers_t hdr,
              inout meta_t meta,
               register<bit<64>> scratch,
              register<bit<64>> keys,
              register<bit<64>> words,
              register<bit<32>> word_epochs) {
    MIX_KEY_ACTION

    action load_word(in bit<32> place) {
        meta.filter_bit = place & meta.state_mask;
        meta.slot = meta.state_base + (meta.filter_bit >> 6);
        word_epochs.read(meta.filter_epoch, meta.slot);
        meta.filter_word = 0;
        if (meta.filter_epoch == meta.epoch) {
            words.read(meta.filter_word, meta.slot);
        }
    }

    action set_bit(in bit<32> place) {
        load_word(place);
        words.write(meta.slot, meta.filter_word | (64w1 << (bit<8>) (meta.filter_bit & 63)));
        word_epochs.write(meta.slot, meta.epoch);
    }

    action test_bit(in bit<32> place) {
        load_word(place);
        if ((meta.filter_word >> (bit<8>) (meta.filter_bit & 63)) & 1 == 0) {
            meta.is_absent = 1;
        }
    }

    action load_key(in bit<32> t) {
        keys.read(meta.key0, 3 * t);
        keys.read(meta.key1, 3 * t + 1);
        keys.read(meta.key2, 3 * t + 2);
        mix_key();
        scratch.write(0, meta.hash * 0x9E3779B97F4A7C15);
        scratch.read(meta.word, 0);
    }

    action build() {
        for (bit<32> t = 0; t < (bit<32>) hdr.query.count; t = t + 1) {
            load_key(t);
            set_bit((bit<32>) meta.hash);
            set_bit((bit<32>) (meta.hash >> 32));
            set_bit((bit<32>) (meta.word >> 32));
        }
        meta.mask = meta.whole_mask;
    }

    action probe() {
        for (bit<32> t = 0; t < (bit<32>) hdr.query.count; t = t + 1) {
            load_key(t);
            meta.is_absent = 0;
            test_bit((bit<32>) meta.hash);
            test_bit((bit<32>) (meta.hash >> 32));
            test_bit((bit<32>) (meta.word >> 32));
            if (meta.is_absent == 1) {
                meta.mask = meta.mask | (32w1 << (bit<8>) t);
            }
        }
    }

    apply {
        if (meta.operator == OPERATOR_BUILD) {
            build();
        } else {
            probe();
        }
    }
}
