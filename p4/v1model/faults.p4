/*
 * Test builds only (-DFAULT_INJECTION): drops packets of a port at random, before all other processing in
 * ingress and after all other processing in egress, so that loss in either direction can be produced on a
 * switch whose links lose nothing. Duplication, reordering and delay belong to the links (tc, Mininet) or
 * to the emulator's fault injector.
 */
control Faults(in port_t port,
               inout standard_metadata_t standard_metadata,
               counter drops,
               out bool lost) {
    bit<16> draw;

    action keep() {
        lost = false;
    }

    /* `share` is the probability of a loss in units of 2^-16. */
    action lose(bit<16> share) {
        lost = false;
        random(draw, 0, 0xFFFF);
        if (draw < share) {
            lost = true;
            mark_to_drop(standard_metadata);
            drops.count(DROP_INJECTED);
        }
    }

    table loss {
        key = {
            port: exact @name("port");
        }
        actions = {
            lose;
            @defaultonly keep;
        }
        const default_action = keep();
        size = FAULTY_PORTS;
    }

    apply {
        loss.apply();
    }
}
