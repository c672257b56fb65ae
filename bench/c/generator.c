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
 * Sends through AF_XDP where the kernel allows it, otherwise through a packet socket; receives through a packet socket.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_xdp.h>
#include <net/if.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BATCH 64
#define CHUNKS 1024
#define CHUNK_BYTES 4096
#define FRAME_BYTES 16384
#define PORTS 64
/* Ethernet, IPv4 without options, UDP; then the header of an fpisa message. */
#define MESSAGE 42
#define OPCODE (MESSAGE + 3)
#define SLOT (MESSAGE + 10)
#define CHUNK (MESSAGE + 20)
#define SET (MESSAGE + 30)
#define VALUES (MESSAGE + 32)
#define RESULT 2
/* After this long without a frame, those in flight count as lost. */
#define LOST_SECONDS 3.0
/* How long to poll before blocking: waking up takes time. */
#define SPIN_SECONDS 200e-6

struct frames {
    uint8_t *bytes;
    int length, count;
};

struct port {
    const char *name;
    int receiver, sender, xdp;
    struct frames out, in;
    /* Of AF_XDP. */
    uint8_t *memory;
    volatile uint32_t *producer, *consumer, *done, *taken;
    struct xdp_desc *entries;
    uint32_t next_chunk;
    /* Of the packet socket. */
    struct mmsghdr send[BATCH], receive[BATCH];
    struct iovec send_at[BATCH], receive_at[BATCH];
    uint8_t *send_memory, *receive_memory;
    int pending;
    uint64_t sent, received;
    /* All chunks below this one were sent. */
    uint64_t next;
};

static struct port ports[PORTS];
static int port_count, is_router, window;
static uint64_t wrong, end_chunk = UINT64_MAX;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double) t.tv_sec + (double) t.tv_nsec * 1e-9;
}

static void fail(const char *what, const char *which)
{
    fprintf(stderr, "generator: %s %s: %s\n", what, which, strerror(errno));
    exit(1);
}

static struct frames read_frames(const char *path)
{
    struct frames frames = { .count = 1 };
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        fail("cannot read", path);
    /* 16 bits: the length of each frame. */
    int high = fgetc(file), low = fgetc(file);
    frames.length = high << 8 | low;
    frames.bytes = malloc(256 * FRAME_BYTES);
    frames.count = (int) fread(frames.bytes, 1, 256 * FRAME_BYTES, file) / frames.length;
    fclose(file);
    return frames;
}

static void set_option(int fd, int level, int option, int value)
{
    (void) setsockopt(fd, level, option, &value, sizeof value);
}

static int packet_socket(const char *name, int protocol)
{
    int fd = socket(AF_PACKET, SOCK_RAW, 0);
    if (fd < 0)
        fail("no packet socket at", name);
    set_option(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1);
    set_option(fd, SOL_PACKET, PACKET_QDISC_BYPASS, 1);
    set_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20);
    set_option(fd, SOL_SOCKET, SO_SNDBUFFORCE, 64 << 20);
    struct sockaddr_ll address = { .sll_family = AF_PACKET, .sll_protocol = htons((uint16_t) protocol), .sll_ifindex = (int) if_nametoindex(name) };
    struct packet_mreq promiscuous = { .mr_ifindex = address.sll_ifindex, .mr_type = PACKET_MR_PROMISC };
    (void) setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promiscuous, sizeof promiscuous);
    if (bind(fd, (struct sockaddr *) &address, sizeof address) != 0)
        fail("cannot bind to", name);
    return fd;
}

/* A socket that sends only needs no XDP program. Returns -1 where the kernel refuses. */
static int xdp_socket(struct port *port)
{
    int fd = socket(AF_XDP, SOCK_RAW, 0), size = CHUNKS, budget = CHUNKS;
    if (fd < 0)
        return -1;
    port->memory = mmap(NULL, (size_t) CHUNKS * CHUNK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    struct xdp_umem_reg memory = { .addr = (uint64_t) (uintptr_t) port->memory, .len = (uint64_t) CHUNKS * CHUNK_BYTES, .chunk_size = CHUNK_BYTES };
    struct xdp_mmap_offsets at;
    socklen_t length = sizeof at;
    if (setsockopt(fd, SOL_XDP, XDP_UMEM_REG, &memory, sizeof memory) != 0
        || setsockopt(fd, SOL_XDP, XDP_UMEM_FILL_RING, &size, sizeof size) != 0
        || setsockopt(fd, SOL_XDP, XDP_UMEM_COMPLETION_RING, &size, sizeof size) != 0
        || setsockopt(fd, SOL_XDP, XDP_TX_RING, &size, sizeof size) != 0
        || getsockopt(fd, SOL_XDP, XDP_MMAP_OFFSETS, &at, &length) != 0)
        goto refused;
    char *transmit = mmap(NULL, at.tx.desc + CHUNKS * sizeof(struct xdp_desc), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, XDP_PGOFF_TX_RING);
    char *completed = mmap(NULL, at.cr.desc + CHUNKS * sizeof(uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, (off_t) XDP_UMEM_PGOFF_COMPLETION_RING);
    if (transmit == MAP_FAILED || completed == MAP_FAILED)
        goto refused;
    struct sockaddr_xdp address = { .sxdp_family = AF_XDP, .sxdp_ifindex = if_nametoindex(port->name), .sxdp_flags = XDP_COPY };
    /* The kernel releases the previous run's socket in the background. */
    for (int tries = 0; bind(fd, (struct sockaddr *) &address, sizeof address) != 0; tries++) {
        if (errno != EBUSY || tries == 50)
            goto refused;
        usleep(10000);
    }
    /* XDP_MAX_TX_SKB_BUDGET, Linux 6.17: frames that one call sends; 32 in earlier kernels. */
    (void) setsockopt(fd, SOL_XDP, 9, &budget, sizeof budget);
    port->producer = (uint32_t *) (transmit + at.tx.producer);
    port->consumer = (uint32_t *) (transmit + at.tx.consumer);
    port->entries = (struct xdp_desc *) (transmit + at.tx.desc);
    port->done = (uint32_t *) (completed + at.cr.producer);
    port->taken = (uint32_t *) (completed + at.cr.consumer);
    return fd;
refused:
    close(fd);
    return -1;
}

static void open_port(struct port *port, char *text)
{
    port->name = strtok(text, ",");
    port->out = read_frames(strtok(NULL, ","));
    port->in = read_frames(strtok(NULL, ","));
    port->receiver = packet_socket(port->name, ETH_P_ALL);
    port->sender = packet_socket(port->name, 0);
    port->xdp = port->out.length <= CHUNK_BYTES ? xdp_socket(port) : -1;
    port->send_memory = malloc((size_t) BATCH * FRAME_BYTES);
    port->receive_memory = malloc((size_t) BATCH * FRAME_BYTES);
    for (int i = 0; i < BATCH; i++) {
        port->send_at[i] = (struct iovec) { port->send_memory + i * FRAME_BYTES, (size_t) port->out.length };
        port->receive_at[i] = (struct iovec) { port->receive_memory + i * FRAME_BYTES, FRAME_BYTES };
        port->send[i].msg_hdr.msg_iov = &port->send_at[i];
        port->receive[i].msg_hdr.msg_iov = &port->receive_at[i];
        port->send[i].msg_hdr.msg_iovlen = port->receive[i].msg_hdr.msg_iovlen = 1;
    }
}

static void flush(struct port *port)
{
    if (port->pending == 0)
        return;
    if (port->xdp >= 0) {
        __atomic_store_n(port->producer, port->next_chunk, __ATOMIC_RELEASE);
        while (__atomic_load_n(port->consumer, __ATOMIC_ACQUIRE) != port->next_chunk)
            if (sendto(port->xdp, NULL, 0, MSG_DONTWAIT, NULL, 0) < 0 && errno != EAGAIN && errno != EBUSY && errno != ENOBUFS)
                fail("cannot send at", port->name);
        /* Chunks are used round robin, and there are more of them than can be in flight. */
        __atomic_store_n(port->taken, __atomic_load_n(port->done, __ATOMIC_ACQUIRE), __ATOMIC_RELEASE);
    } else {
        for (int done = 0; done < port->pending; ) {
            int count = sendmmsg(port->sender, port->send + done, (unsigned) (port->pending - done), 0);
            if (count <= 0)
                fail("cannot send at", port->name);
            done += count;
        }
    }
    port->pending = 0;
}

/* Memory for the next frame, which has the length of the port's frames. */
static uint8_t *queue(struct port *port)
{
    if (port->pending == BATCH)
        flush(port);
    port->sent++;
    if (port->xdp < 0)
        return port->send_memory + port->pending++ * FRAME_BYTES;
    uint32_t chunk = port->next_chunk % CHUNKS;
    port->entries[port->next_chunk++ % CHUNKS] = (struct xdp_desc) { .addr = (uint64_t) chunk * CHUNK_BYTES, .len = (uint32_t) port->out.length };
    port->pending++;
    return port->memory + (size_t) chunk * CHUNK_BYTES;
}

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
        int count = recvmmsg(port->receiver, port->receive, BATCH, MSG_DONTWAIT, NULL);
        if (count <= 0)
            continue;
        for (int k = 0; k < count; k++) {
            const uint8_t *frame = port->receive_memory + k * FRAME_BYTES;
            int length = (int) port->receive[k].msg_len;
            if (is_router)
                take_routed(i, frame, length);
            else
                take_result(port, frame, length);
        }
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
            struct pollfd waiting[PORTS];
            for (int i = 0; i < port_count; i++)
                waiting[i] = (struct pollfd) { .fd = ports[i].receiver, .events = POLLIN };
            (void) poll(waiting, (nfds_t) port_count, 20);
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
        open_port(&ports[port_count], argv[6 + port_count]);

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
