/*
 * The query service: every check on what a worker or the master sends, in the order of the drop reasons, then the
 * flow, its operator, and the answer. A packet that fails a check has changed no register.
 */
control Service(inout headers_t hdr,
                inout meta_t meta,
                inout standard_metadata_t standard_metadata,
                counter drops,
                counter events) {
    /* The epoch that the master opened each stream with. A switch that was restarted has forgotten it. */
    @name(".fpisa_query.opened")
    register<bit<32>>(MAX_STREAMS) opened;

    @name(".fpisa_query.flow_masks")
    register<bit<32>>(FLOW_SLOTS) masks;

    Membership() membership;
    Flows() flows;
    Operators() operators;
    Removal() removal;
    bool is_member;
    bool serve_member = false;

    action drop(in bit<32> reason) {
        mark_to_drop(standard_metadata);
        drops.count(reason);
    }

    action drop_stale() {
        drop(DROP_STALE);
        events.count(meta.events + EVENT_STALE);
    }

    action load_opened() {
        opened.read(meta.opened, meta.stream);
    }

    /* A second OPEN of the same epoch must not reset the stream's state. */
    action open() {
        meta.runs = 1;
        opened.write(meta.stream, hdr.query.epoch);
    }

#include "../answers.p4"

    action refuse() {
        hdr.query.opcode = OPCODE_REFUSED;
        events.count(meta.events + EVENT_REFUSED);
    }

    action acknowledge() {
        hdr.query.opcode = OPCODE_ACK;
        hdr.query.mask = meta.mask;
        events.count(meta.events + EVENT_ABSORBED);
    }

    action pass_on() {
        meta.is_passed_on = 1;
        hdr.query.peer = MASTER;
        hdr.query.mask = meta.mask;
        events.count(meta.events + EVENT_FORWARDED);
    }

    action finish_new() {
        masks.write(meta.flow, meta.mask);
        events.count(meta.events + EVENT_ROWS);
    }

    action count_repeated() {
        hdr.query.flags = hdr.query.flags | FLAG_REPEATED;
        events.count(meta.events + EVENT_REPEAT);
    }

    action drain() {
        meta.runs = 1;
        events.count(meta.events + EVENT_DRAIN);
    }

    action answer_open() {
        hdr.query.opcode = OPCODE_OPENED;
    }

    /* To the master (a packet that is forwarded) or from it to a worker (its acknowledgement). */
    @name(".fpisa_query.address")
    action address(port_t port, mac_addr_t dst_mac, ipv4_addr_t dst_addr, bit<16> dst_port) {
        hdr.ethernet.src_addr = hdr.ethernet.dst_addr;
        hdr.ethernet.dst_addr = dst_mac;
        hdr.ipv4.src_addr = hdr.ipv4.dst_addr;
        hdr.ipv4.dst_addr = dst_addr;
        hdr.udp.src_port = hdr.udp.dst_port;
        hdr.udp.dst_port = dst_port;
        standard_metadata.egress_spec = port;
    }

    @name(".fpisa_query.no_receiver")
    action no_receiver() {
        mark_to_drop(standard_metadata);
        drops.count(DROP_NO_RECEIVER);
    }

    @name(".fpisa_query.receiver")
    table receiver {
        key = {
            hdr.query.stream: exact @name("stream");
            hdr.query.peer: exact @name("peer");
        }
        actions = {
            address;
            @defaultonly no_receiver;
        }
        const default_action = no_receiver();
        size = MEMBERS;
    }

    apply {
        if (!hdr.query.isValid()) {
            drop(DROP_BAD_LENGTH);
        } else if (hdr.query.magic != MAGIC || hdr.query.version != VERSION) {
            drop(DROP_BAD_VERSION);
        } else if (hdr.query.opcode != OPCODE_ROWS && hdr.query.opcode != OPCODE_OPEN
                   && hdr.query.opcode != OPCODE_DRAIN && hdr.query.opcode != OPCODE_ACK) {
            drop(DROP_BAD_OPCODE);
        } else if (meta.ipv4_payload != hdr.udp.length_
                   || (hdr.query.opcode == OPCODE_ROWS && hdr.query.count > TUPLES)) {
            drop(DROP_BAD_COUNT);
        } else if ((hdr.query.opcode == OPCODE_ROWS
                    && (!hdr.nulls.isValid()
                        || hdr.udp.length_ != UDP_LENGTH_OF_NO_ROWS + hdr.query.count * TUPLE_BYTES))
                   || (hdr.query.opcode == OPCODE_DRAIN && !hdr.groups[0].isValid())
                   || ((hdr.query.opcode == OPCODE_OPEN || hdr.query.opcode == OPCODE_ACK)
                       && hdr.udp.length_ != UDP_LENGTH_OF_HEADER)) {
            drop(DROP_BAD_LENGTH);
        } else {
            membership.apply(hdr, meta, standard_metadata, is_member);
            if (!is_member || (hdr.query.opcode == OPCODE_ROWS) == (hdr.query.worker == MASTER)) {
                drop(DROP_NOT_MEMBER);
            } else if (hdr.query.epoch != meta.epoch) {
                drop(DROP_WRONG_EPOCH);
            } else if (hdr.query.opcode == OPCODE_ROWS && hdr.query.slot >= meta.flow_slots) {
                drop(DROP_BAD_SLOT);
            } else {
                serve_member = true;
            }
        }
        if (serve_member) {
            load_opened();
            if (hdr.query.opcode == OPCODE_ACK) {
                meta.is_passed_on = 1;
            } else if (hdr.query.opcode == OPCODE_OPEN) {
                if (meta.opened != hdr.query.epoch) {
                    open();
                }
            } else if (meta.opened != hdr.query.epoch) {
                refuse();
            } else if (hdr.query.opcode == OPCODE_ROWS) {
                flows.apply(hdr, meta, masks);
            } else {
                drain();
            }
            if (meta.runs == 1) {
                operators.apply(hdr, meta);
            }
            if (meta.is_stale == 1) {
                drop_stale();
            } else {
                if (hdr.query.opcode == OPCODE_OPEN) {
                    answer_open();
                } else if (hdr.query.opcode == OPCODE_ROWS) {
                    if (meta.is_new == 1) {
                        finish_new();
                    } else {
                        count_repeated();
                    }
                    if (hdr.query.count != 0 && meta.mask == meta.whole_mask) {
                        acknowledge();
                    } else {
                        pass_on();
                    }
                }
                removal.apply(hdr, meta);
                void_udp_checksum();
                if (meta.is_passed_on == 1) {
                    receiver.apply();
                } else {
                    reflect();
                }
            }
        }
    }
}
