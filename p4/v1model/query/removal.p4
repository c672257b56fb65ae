/*
 * Removes the tuples that stay in the switch from the packet; `mask` says which those were. Of an acknowledgement
 * and a refusal only the header is left, and of the space for groups only the part that was filled.
 */
control Removal(inout headers_t hdr, inout meta_t meta) {
#define REMOVE_TUPLE(i) \
        if ((meta.mask >> i) & 1 == 1) { \
            hdr.tuples[i].setInvalid(); \
            hdr.ipv4.total_len = hdr.ipv4.total_len - TUPLE_BYTES; \
            hdr.udp.length_ = hdr.udp.length_ - TUPLE_BYTES; \
        }

    action remove_tuples() {
        EACH_TUPLE(REMOVE_TUPLE)
    }

#define INVALIDATE_TUPLE(i) hdr.tuples[i].setInvalid();

    action remove_all() {
        EACH_TUPLE(INVALIDATE_TUPLE)
        hdr.ipv4.total_len = hdr.ipv4.total_len - hdr.udp.length_ + UDP_LENGTH_OF_HEADER;
        hdr.udp.length_ = UDP_LENGTH_OF_HEADER;
        hdr.nulls.setInvalid();
    }

/* A packet keeps its first groups. */
#define REMOVE_GROUP(i) \
        if (meta.kept_groups <= i) { \
            hdr.groups[i].setInvalid(); \
            hdr.ipv4.total_len = hdr.ipv4.total_len - GROUP_BYTES; \
            hdr.udp.length_ = hdr.udp.length_ - GROUP_BYTES; \
        }

    action remove_groups() {
        EACH_GROUP(REMOVE_GROUP)
    }

    apply {
        if (hdr.nulls.isValid()) {
            if (hdr.query.opcode == OPCODE_ACK || hdr.query.opcode == OPCODE_REFUSED) {
                remove_all();
            } else if (meta.mask != 0) {
                remove_tuples();
            }
        } else if (hdr.groups[0].isValid()) {
            remove_groups();
        }
    }
}
