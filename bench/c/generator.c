/*
 * Load for a switch, from the other ends of its ports' cables. Keeps `window` frames in flight: each frame that returns
 * triggers a new one. Lost frames are not retransmitted.
 *
 * usage: generator <fpisa|router> <window> <first> <warm-up seconds> <seconds> <port>...
 *   port    <interface>,<file>,<file>: frames to send and frames that must return. A file has one frame, or
 *           several of one length, in which the last byte is the number of the frame (router only).
 *   fpisa   each port is a worker of one job with `window` slots, which sends the chunks from `first` on, and chunk
 *           g + window once it has the result of g (docs/protocol.md).
 *   router  what a port sends returns at the next one.
 * Prints one JSON object.
 *
 * port.h says how frames are sent and received.
 */
#define _GNU_SOURCE
#include "port.h"

/* After this long without a frame, those in flight count as lost. */
#define LOST_SECONDS 3.0

static int is_router, window;
static uint64_t wrong, end_chunk = UINT64_MAX;

static void put32(uint8_t *at, uint32_t value)
{
    value = htonl(value);
    memcpy(at, &value, 4);
}

static void contribute(struct port *port, uint64_t chunk)
{
    if (chunk >= end_chunk)
        return;
    if (chunk >= port->next)
        port->next = chunk + 1;
    uint8_t *frame = queue(port);
    memcpy(frame, port->out.bytes, (size_t) port->out.length);
    uint32_t slot = (uint32_t) (chunk % (uint64_t) window);
    frame[SLOT] = (uint8_t) (slot >> 8);
    frame[SLOT + 1] = (uint8_t) slot;
    put32(frame + CHUNK, (uint32_t) chunk);
    frame[SET] = (uint8_t) (chunk / (uint64_t) window % 2);
}

static void forward(struct port *port)
{
    uint8_t *frame = queue(port);
    memcpy(frame, port->out.bytes + (port->sent % (uint64_t) port->out.count) * (uint64_t) port->out.length, (size_t) port->out.length);
}

static void take_result(struct port *port, const uint8_t *frame, int length)
{
    if (length != port->in.length || frame[OPCODE] != RESULT || memcmp(frame + 12, port->in.bytes + 12, 2) != 0)
        return;
    port->received++;
    /* Checks the first and last values, and all of them in one packet of 64: checking must not dominate the measurement. */
    int values = port->received % 64 == 0 ? length - VALUES : 8;
    if (memcmp(frame + VALUES, port->in.bytes + VALUES, (size_t) values) != 0 || memcmp(frame + length - 8, port->in.bytes + length - 8, 8) != 0)
        wrong++;
    uint32_t chunk;
    memcpy(&chunk, frame + CHUNK, 4);
    contribute(port, (uint64_t) ntohl(chunk) + (uint64_t) window);
}

static void take_routed(int index, const uint8_t *frame, int length)
{
    struct port *port = &ports[index];
    if (frame[12] != 0x08 || frame[13] != 0x00)
        return;
    port->received++;
    const uint8_t *expected = port->in.bytes + (size_t) (frame[length - 1] % port->in.count) * (size_t) port->in.length;
    if (length != port->in.length || memcmp(frame, expected, (size_t) length) != 0)
        wrong++;
    if (end_chunk == UINT64_MAX)
        forward(&ports[(index + port_count - 1) % port_count]);
}

static uint64_t total(int of_sent)
{
    uint64_t sum = 0;
    for (int i = 0; i < port_count; i++)
        sum += of_sent ? ports[i].sent : ports[i].received;
    return sum;
}

/* Receives the frames that have arrived and sends their successors. Returns the number received. */
static int pump(void)
{
    int all = 0;
    for (int i = 0; i < port_count; i++) {
        struct port *port = &ports[i];
        int count = take(port);
        if (count == 0)
            continue;
        for (int k = 0; k < count; k++) {
            if (is_router)
                take_routed(i, frame_of(port, k), length_of(port, k));
            else
                take_result(port, frame_of(port, k), length_of(port, k));
        }
        release(port, count);
        for (int k = 0; k < port_count; k++)
            flush(&ports[k]);
        all += count;
    }
    return all;
}

/* Runs until `until`, or when draining until nothing is in flight. Returns seconds of work; -1 if frames were lost. */
static double run(double until, int draining)
{
    double busy = 0, last = now(), at = last;
    while (draining ? total(0) < total(1) : at < until) {
        int count = pump();
        double then = at;
        at = now();
        if (count > 0) {
            busy += at - then;
            last = at;
        } else if (at - last > LOST_SECONDS) {
            return -1;
        } else if (at - last > SPIN_SECONDS) {
            wait_for_frames(20);
            at = now();
        }
    }
    return busy;
}

int main(int argc, char **argv)
{
    if (argc < 7) {
        fprintf(stderr, "usage: generator <fpisa|router> <window> <first> <warm-up seconds> <seconds> <port>...\n");
        return 2;
    }
    is_router = strcmp(argv[1], "router") == 0;
    window = atoi(argv[2]);
    uint64_t first = strtoull(argv[3], NULL, 10);
    double warm_up = atof(argv[4]), seconds = atof(argv[5]);
    for (; port_count < argc - 6 && port_count < PORTS; port_count++)
        open_port(&ports[port_count], argv[6 + port_count], 1, 1);

    for (int i = 0; i < port_count; i++) {
        for (int k = 0; k < window; k++)
            if (is_router)
                forward(&ports[i]);
            else
                contribute(&ports[i], first + (uint64_t) k);
        flush(&ports[i]);
    }
    double busy = run(now() + warm_up, 0), from = now();
    uint64_t before = total(0);
    if (busy >= 0)
        busy = run(from + seconds, 0);
    double took = now() - from;
    uint64_t received = total(0) - before;

    /* Every worker must contribute to each round that any worker has begun, or it never completes. */
    uint64_t last = first;
    for (int i = 0; i < port_count; i++)
        if (ports[i].next > last)
            last = ports[i].next;
    end_chunk = last;
    if (busy >= 0)
        (void) run(0, 1);
    printf("{\"seconds\":%.6f,\"packets\":%llu,\"lost\":%llu,\"wrong\":%llu,\"busy\":%.4f,\"next\":%llu,\"sends\":\"%s\"}\n", took,
           (unsigned long long) received, (unsigned long long) (total(1) - total(0)), (unsigned long long) wrong,
           busy < 0 ? 0 : busy / took, (unsigned long long) last, ports[0].xdp >= 0 ? "AF_XDP" : "AF_PACKET");
    return 0;
}
