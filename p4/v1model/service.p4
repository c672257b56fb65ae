/*
 * The aggregation service: admission, then round, arithmetic and answer. What comes down from a parent switch goes
 * another way, since nobody contributes it.
 */
control Service(inout headers_t hdr,
                inout meta_t meta,
                inout standard_metadata_t standard_metadata,
                counter drops,
                counter events) {
    Admission() admission;
    Rounds() rounds;
    Progress() progress;
    Elements() elements;
    Ascent() ascent;
    Descent() descent;

    action drop(in bit<32> reason) {
        mark_to_drop(standard_metadata);
        drops.count(reason);
    }

#include "answers.p4"

    apply {
        if (!hdr.fpisa.isValid()) {
            drop(DROP_BAD_LENGTH);
        } else if (hdr.fpisa.magic != MAGIC || hdr.fpisa.version != VERSION) {
            drop(DROP_BAD_VERSION);
        } else if (hdr.fpisa.opcode == OPCODE_RESULT || hdr.fpisa.opcode == OPCODE_REFUSED) {
            descent.apply(hdr, meta, standard_metadata, drops, events);
        } else {
            admission.apply(hdr, meta, standard_metadata, drops, events);
            if (meta.admitted == 1) {
                rounds.apply(hdr, meta, standard_metadata, drops, events);
                progress.apply(hdr, meta, standard_metadata, drops, events);
                elements.apply(hdr, meta, events);
                void_udp_checksum();
                if (meta.answers == 1) {
                    ascent.apply(hdr, meta, standard_metadata, events);
                }
                if (meta.reflects == 1) {
                    reflect();
                }
            }
        }
    }
}
