/*
 * The whole protocol and all registers: ingress is one pipeline for all ports of a pipe, so the contents of a slot's registers are
 * consistent. Every worker of a job must be at a port of one pipe (docs/tofino.md).
 */
control FpisaIngress(inout ingress_headers_t hdr,
                     inout ingress_meta_t meta,
                     in ingress_intrinsic_metadata_t ig_intr_md,
                     in ingress_intrinsic_metadata_from_parser_t ig_prsr_md,
                     inout ingress_intrinsic_metadata_for_deparser_t ig_dprsr_md,
                     inout ingress_intrinsic_metadata_for_tm_t ig_tm_md) {
    @name(".fpisa.drops")
    Counter<bit<32>, bit<8>>(DROP_REASONS, CounterType_t.PACKETS) drops;
    @name(".fpisa.events")
    Counter<bit<32>, bit<16>>(MAX_JOBS * EVENTS_PER_JOB, CounterType_t.PACKETS) events;
    /* A packet counts once in a counter, and one that completes a round is a contribution and a result. */
    @name(".fpisa.completions")
    Counter<bit<32>, bit<16>>(MAX_JOBS * EVENTS_PER_JOB, CounterType_t.PACKETS) completions;

    Membership() membership;
    Admission() admission;
    Rounds() rounds;
    Progress() progress;
    Probes() probes;
    Routing() routing;
#define ELEMENT(i) Element() element_##i;
    EACH_VALUE(ELEMENT)
#undef ELEMENT

    @name(".fpisa.serve")
    action serve() {
        meta.local = 1;
    }

    @name(".fpisa.local")
    table local {
        key = {
            hdr.ipv4.dst_addr: exact @name("dst_addr");
        }
        actions = {
            serve;
            @defaultonly NoAction;
        }
        const default_action = NoAction();
        size = LOCAL_ADDRESSES;
    }

    action swap() {
        EACH_VALUE(SWAP_VALUE)
        EACH_VALUE(SWAP_EXPONENT)
    }

#define SCALE(i) TO_SCALE(hdr.exponents.e##i)
    action to_scales() {
        EACH_VALUE(SCALE)
    }

#include "answers.p4"

    action read_floats() {
        hdr.bridge.egress = EGRESS_READS_FLOATS;
        hdr.exponents.setValid();
    }
    action read_integers() {
        hdr.bridge.egress = EGRESS_READS_INTEGERS;
    }
    table answer {
        key = {
            meta.mantissa: ternary @name("mantissa");
            meta.completes: ternary @name("completes");
            meta.format: ternary @name("format");
        }
        actions = {
            read_floats;
            read_integers;
            @defaultonly NoAction;
        }
        const entries = {
            (_, 1, FORMAT_FP32): read_floats();
            (_, 1, _): read_integers();
            (MANTISSA_READ, _, FORMAT_FP32): read_floats();
            (MANTISSA_READ, _, _): read_integers();
        }
        const default_action = NoAction();
        size = 4;
    }

    action drop() {
        ig_dprsr_md.drop_ctl = 1;
        drops.count(meta.drop_reason);
    }
    action count_event() {
        events.count(meta.event);
    }
    action count_completion() {
        completions.count(meta.event);
    }
    action to_control_plane() {
        hdr.packet_in.setValid();
        hdr.packet_in.ingress_port = ig_intr_md.ingress_port;
    }

    apply {
        local.apply();
        membership.apply(hdr, meta, ig_intr_md);
        if (meta.little_endian == 1) {
            swap();
        }
        admission.apply(hdr, meta, ig_intr_md, ig_prsr_md, ig_tm_md);
        rounds.apply(hdr, meta);
        progress.apply(hdr, meta, ig_tm_md, ig_dprsr_md);
#define ELEMENT(i) element_##i.apply(hdr.values.v##i, hdr.exponents.e##i, meta);
        EACH_VALUE(ELEMENT)
#undef ELEMENT
        if (HAS_FLOATS(meta)) {
            to_scales();
        }
        answer.apply();
        if (meta.service == SERVICE_PROBE) {
            probes.apply(hdr, meta, ig_intr_md, ig_tm_md);
        } else if (meta.routed == 1) {
            routing.apply(hdr, meta, ig_tm_md);
        }
        if (meta.reflects == 1) {
            reflect();
        }
        if (meta.counts == 1) {
            count_event();
        }
        if (meta.completes == 1) {
            count_completion();
        }
        if (meta.drop_reason != 0) {
            drop();
        }
        hdr.packet_out.setInvalid();
        if (meta.to_cpu == 1) {
            to_control_plane();
        }
    }
}
