/*
 * Probes. A register returns one word per packet, and a probe needs ten. So it goes through the recirculation port, and each pass reads
 * as much as it can of one set, always into the fields of set 1; after two passes these are moved to set 0.
 *
 *   pass 0: epoch, chunk, signature and bitmap of set 0;  pass 1: its operation;  passes 2 and 3: the same of set 1.
 *
 * `reserved` counts the passes, and the probe's own fields store what the answer needs: the slot's number, and the port it came from.
 * `contributions` stays 0 here: the bitmap has the same information.
 */
control Probes(inout ingress_headers_t hdr,
               inout ingress_meta_t meta,
               in ingress_intrinsic_metadata_t ig_intr_md,
               inout ingress_intrinsic_metadata_for_tm_t ig_tm_md) {
    action next_pass(PortId_t recirculation) {
        hdr.fpisa.reserved = hdr.fpisa.reserved + 1;
        hdr.probe.values_per_packet[8:0] = meta.came_from;
        hdr.probe.absolute_slot = meta.location;
        ig_tm_md.ucast_egress_port = recirculation;
    }
    action next_set(PortId_t recirculation) {
        next_pass(recirculation);
        hdr.fpisa.set = 1;
        hdr.probe0.epoch = hdr.probe1.epoch;
        hdr.probe0.chunk = hdr.probe1.chunk;
        hdr.probe0.operation = hdr.probe1.operation;
        hdr.probe0.signature = hdr.probe1.signature;
        hdr.probe0.bitmap = hdr.probe1.bitmap;
    }
    action last_pass(bit<1> to_cpu) {
        meta.to_cpu = to_cpu;
        hdr.fpisa.opcode = OPCODE_PROBE_REPLY;
        hdr.fpisa.set = 0;
        hdr.fpisa.reserved = 0;
        hdr.probe.values_per_packet = VALUES_PER_PACKET;
        meta.reflects = 1;
    }

    table pass {
        key = {
            hdr.fpisa.reserved: ternary @name("pass");
            ig_intr_md.ingress_port: ternary @name("pipe");
            meta.came_from: ternary @name("came_from");
        }
        actions = {
            next_pass;
            next_set;
            last_pass;
        }
#define PASSES_OF_PIPE(pipe) \
            (0, pipe << 7 &&& 0x180, _): next_pass(2w##pipe ++ RECIRCULATION_LOCAL_PORT); \
            (1, pipe << 7 &&& 0x180, _): next_set(2w##pipe ++ RECIRCULATION_LOCAL_PORT); \
            (2, pipe << 7 &&& 0x180, _): next_pass(2w##pipe ++ RECIRCULATION_LOCAL_PORT);
        const entries = {
            PASSES_OF_PIPE(0)
            PASSES_OF_PIPE(1)
            PASSES_OF_PIPE(2)
            PASSES_OF_PIPE(3)
            (_, _, (bit<9>) CPU_LOCAL_PORT &&& 0x7F): last_pass(1);
        }
#undef PASSES_OF_PIPE
        const default_action = last_pass(0);
        size = 13;
    }

    apply {
        pass.apply();
    }
}
