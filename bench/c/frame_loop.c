/*
 * What the kernel allows: answers a workload's frames as its switch would, without looking at more of a frame than which
 * answer it needs. Nothing is parsed, looked up or added: the answers are made beforehand, and copied.
 *
 * usage: frame_loop <fpisa|router> <recvmmsg|ring> <AF_XDP|sendmmsg> <port>...
 *   port    <interface>,<file>,<file>: the answers that leave at this port, and frames as they arrive there
 *           (generator.c describes the files).
 *   fpisa   once each port has sent the contribution of a slot, every port gets the answer.
 *   router  each frame is answered at the next port, with the answer of the number in its last byte.
 * Prints "ready" and then runs until it is killed.
 */
#define _GNU_SOURCE
#include "port.h"

#define JOB_SLOTS 65536

static uint8_t contributions[JOB_SLOTS];

static void aggregate(const uint8_t *frame)
{
    uint32_t slot = (uint32_t) frame[SLOT] << 8 | frame[SLOT + 1];
    if (++contributions[slot] < port_count)
        return;
    contributions[slot] = 0;
    for (int i = 0; i < port_count; i++) {
        uint8_t *answer = queue(&ports[i]);
        memcpy(answer, ports[i].out.bytes, (size_t) ports[i].out.length);
        memcpy(answer + SLOT, frame + SLOT, 2);
        memcpy(answer + CHUNK, frame + CHUNK, 4);
        answer[SET] = frame[SET];
    }
}

static void route(int index, const uint8_t *frame, int length)
{
    struct port *to = &ports[(index + 1) % port_count];
    const uint8_t *answer = to->out.bytes + (size_t) (frame[length - 1] % to->out.count) * (size_t) to->out.length;
    memcpy(queue(to), answer, (size_t) to->out.length);
}

/* Returns the number of frames received. */
static int pump(int is_router)
{
    int all = 0;
    for (int i = 0; i < port_count; i++) {
        struct port *port = &ports[i];
        int count = take(port);
        for (int k = 0; k < count; k++) {
            const uint8_t *frame = frame_of(port, k);
            /* Whatever else arrives, as from the kernel itself, is of another length. */
            if (length_of(port, k) != port->in.length)
                continue;
            if (is_router)
                route(i, frame, port->in.length);
            else
                aggregate(frame);
        }
        release(port, count);
        if (count > 0)
            for (int k = 0; k < port_count; k++)
                flush(&ports[k]);
        all += count;
    }
    return all;
}

int main(int argc, char **argv)
{
    if (argc < 5) {
        fprintf(stderr, "usage: frame_loop <fpisa|router> <recvmmsg|ring> <AF_XDP|sendmmsg> <port>...\n");
        return 2;
    }
    int is_router = strcmp(argv[1], "router") == 0;
    for (; port_count < argc - 4 && port_count < PORTS; port_count++)
        open_port(&ports[port_count], argv[4 + port_count], strcmp(argv[2], "ring") == 0, strcmp(argv[3], "AF_XDP") == 0);
    printf("ready\n");
    fflush(stdout);
    double last = now();
    for (;;) {
        if (pump(is_router) > 0) {
            last = now();
        } else if (now() - last > SPIN_SECONDS) {
            wait_for_frames(1000);
            last = now();
        }
    }
}
