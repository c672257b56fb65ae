/*
 * The protocol's state, in stateful ALUs: each register is accessed once by a packet, in one stage, and what it does depends only on
 * the packet and on the stages before. The cases are those of docs/protocol.md:
 *
 *   1. `rounds` names the round: another epoch, or an older chunk, is replaced;
 *   2. `work` and `signatures` tell this round from a newer one, and who agrees on what is reduced;
 *   3. `bitmaps` says who had contributed.
 *
 * `work` holds the chunk once more, because an ALU makes two comparisons, and there are three to make.
 */
struct round_t {
    bit<32> epoch;
    bit<32> chunk;
}

struct work_t {
    bit<32> chunk;
    bit<32> operation;
}

/* Which registers a probe reads: one word a register and pass, so it goes round four times (probes.p4). */
control Rounds(inout ingress_headers_t hdr, inout ingress_meta_t meta) {
    Register<work_t, set_number_t>(SETS) works;
    Register<bit<32>, set_number_t>(SETS) signatures;
    Register<worker_bitmap_t, set_number_t>(SETS) bitmaps;

    RegisterAction<work_t, set_number_t, bit<32>>(works) open_work = {
        void apply(inout work_t value) {
            value.chunk = hdr.fpisa.chunk;
            value.operation = hdr.fpisa.operation;
        }
    };
    RegisterAction<work_t, set_number_t, bit<32>>(works) compare_work = {
        void apply(inout work_t value, out bit<32> result) {
            result = this.predicate(value.chunk != hdr.fpisa.chunk, value.operation != hdr.fpisa.operation);
        }
    };
    RegisterAction<work_t, set_number_t, bit<32>>(works) read_chunk = {
        void apply(inout work_t value, out bit<32> result) {
            result = value.chunk;
        }
    };
    RegisterAction<work_t, set_number_t, bit<32>>(works) read_operation = {
        void apply(inout work_t value, out bit<32> result) {
            result = value.operation;
        }
    };

    RegisterAction<bit<32>, set_number_t, bit<32>>(signatures) open_signature = {
        void apply(inout bit<32> value) {
            value = hdr.fpisa.signature;
        }
    };
    RegisterAction<bit<32>, set_number_t, bit<32>>(signatures) compare_signature = {
        void apply(inout bit<32> value, out bit<32> result) {
            result = 0;
            if (value != hdr.fpisa.signature) {
                result = 1;
            }
        }
    };
    RegisterAction<bit<32>, set_number_t, bit<32>>(signatures) read_signature = {
        void apply(inout bit<32> value, out bit<32> result) {
            result = value;
        }
    };

    RegisterAction<worker_bitmap_t, set_number_t, worker_bitmap_t>(bitmaps) open_bitmap = {
        void apply(inout worker_bitmap_t value) {
            value = meta.member;
        }
    };
    RegisterAction<worker_bitmap_t, set_number_t, worker_bitmap_t>(bitmaps) join_bitmap = {
        void apply(inout worker_bitmap_t value, out worker_bitmap_t before) {
            before = value;
            value = value | meta.member;
        }
    };
    RegisterAction<worker_bitmap_t, set_number_t, worker_bitmap_t>(bitmaps) read_bitmap = {
        void apply(inout worker_bitmap_t value, out worker_bitmap_t before) {
            before = value;
        }
    };

    action new_work() {
        open_work.execute(meta.set);
        meta.round = ROUND_OPENS;
    }
    action same_work() {
        meta.round = compare_work.execute(meta.set);
    }
    action probe_chunk() {
        hdr.probe1.chunk = read_chunk.execute(meta.set);
    }
    action probe_operation() {
        hdr.probe1.operation = read_operation.execute(meta.set);
    }
    @placement_priority(PRIORITY_OF_SLOTS)
    table work {
        key = {
            meta.service: ternary @name("service");
            meta.round: ternary @name("round");
            hdr.fpisa.reserved[0:0]: ternary @name("pass");
        }
        actions = {
            new_work;
            same_work;
            probe_chunk;
            probe_operation;
            @defaultonly NoAction;
        }
        const entries = {
            (SERVICE_CONTRIBUTE, NEITHER, _): same_work();
            (SERVICE_CONTRIBUTE, _, _): new_work();
            (SERVICE_PROBE, _, 0): probe_chunk();
            (SERVICE_PROBE, _, 1): probe_operation();
        }
        const default_action = NoAction();
        size = 4;
    }

    action new_signature() {
        open_signature.execute(meta.set);
    }
    action same_signature() {
        meta.foreign = compare_signature.execute(meta.set);
    }
    action probe_signature() {
        hdr.probe1.signature = read_signature.execute(meta.set);
    }
    @placement_priority(PRIORITY_OF_SLOTS)
    table signature {
        key = {
            meta.service: ternary @name("service");
            meta.round: ternary @name("round");
        }
        actions = {
            new_signature;
            same_signature;
            probe_signature;
            @defaultonly NoAction;
        }
        const entries = {
            (SERVICE_CONTRIBUTE, NEITHER): same_signature();
            (SERVICE_CONTRIBUTE, _): new_signature();
            (SERVICE_PROBE, _): probe_signature();
        }
        const default_action = NoAction();
        size = 3;
    }

    action open_round() {
        open_bitmap.execute(meta.set);
        meta.before = 0;
        meta.step = STEP_OPEN;
    }
    action join_round() {
        meta.before = join_bitmap.execute(meta.set);
        meta.step = STEP_JOIN;
    }
    /* Workers disagree on what they reduce. Nothing is added; the sender learns of it at once. */
    action refuse() {
        hdr.fpisa.opcode = OPCODE_REFUSED;
        meta.reflects = 1;
        meta.counts = 1;
        meta.event = meta.first_event + (bit<16>) EVENT_REFUSED;
    }
    action drop_stale() {
        meta.drop_reason = (bit<8>) DROP_STALE;
        meta.counts = 1;
        meta.event = meta.first_event + (bit<16>) EVENT_STALE;
    }
    action probe_bitmap() {
        hdr.probe1.bitmap = read_bitmap.execute(meta.set);
    }
    @placement_priority(PRIORITY_OF_SLOTS)
    table contributors {
        key = {
            meta.service: ternary @name("service");
            meta.round: ternary @name("round");
            meta.foreign: ternary @name("foreign");
        }
        actions = {
            open_round;
            join_round;
            refuse;
            drop_stale;
            probe_bitmap;
            @defaultonly NoAction;
        }
        const entries = {
            (SERVICE_CONTRIBUTE, ROUND_OPENS, _): open_round();
            (SERVICE_CONTRIBUTE, NEITHER, 0): join_round();
            (SERVICE_CONTRIBUTE, NEITHER, _): refuse();
            (SERVICE_CONTRIBUTE, OTHER_OPERATION, _): refuse();
            (SERVICE_CONTRIBUTE, _, _): drop_stale();
            (SERVICE_PROBE, _, _): probe_bitmap();
        }
        const default_action = NoAction();
        size = 6;
    }

    apply {
        /* Before the round is known better: a stage reads before it writes, so both share one. */
        signature.apply();
        work.apply();
        contributors.apply();
    }
}
