/*
 * The aggregation service: admission, then round, arithmetic and answer. What comes down from a parent switch goes
 * another way, since nobody contributes it.
 */
#ifdef VALUES_IN_STEPS
/* A long probe goes the way of the sums, so its answer tells what all links of that way carry. */
#define OR_PATH_PROBE || (hdr.probe.isValid() && hdr.udp.length_ != UDP_LENGTH_OF_PROBE)
#else
#define OR_PATH_PROBE
#endif

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

#ifdef VALUES_IN_STEPS
    /* It left for the parent as a contribution would. */
    action remain_probe() {
        hdr.fpisa.opcode = OPCODE_PROBE;
    }
#endif

    apply {
        if (!hdr.fpisa.isValid()) {
            drop(DROP_BAD_LENGTH);
        } else if (hdr.fpisa.magic != MAGIC || hdr.fpisa.version != VERSION) {
            drop(DROP_BAD_VERSION);
        } else if (hdr.fpisa.opcode == OPCODE_RESULT || hdr.fpisa.opcode == OPCODE_REFUSED
#ifdef VALUES_IN_STEPS
                   || hdr.fpisa.opcode == OPCODE_PROBE_REPLY
#endif
        ) {
            descent.apply(hdr, meta, standard_metadata, drops, events);
        } else {
            admission.apply(hdr, meta, standard_metadata, drops, events);
            if (meta.admitted == 1) {
                rounds.apply(hdr, meta, standard_metadata, drops, events);
                progress.apply(hdr, meta, standard_metadata, drops, events);
                elements.apply(hdr, meta, events);
                void_udp_checksum();
                if (meta.answers == 1 OR_PATH_PROBE) {
                    ascent.apply(hdr, meta, standard_metadata, events);
                }
#ifdef VALUES_IN_STEPS
                if (hdr.probe.isValid() && meta.reflects == 0) {
                    remain_probe();
                }
#endif
                if (meta.reflects == 1) {
                    reflect();
                }
            }
        }
    }
}
