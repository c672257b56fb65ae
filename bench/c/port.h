/*
 * One end of a cable, for a program that sends and receives frames as fast as the kernel lets it. Sends through AF_XDP
 * where the kernel allows it, otherwise with sendmmsg. Receives from a TPACKET_V2 ring, into which the kernel puts a frame
 * without a system call, unless frames are longer than its slots; otherwise with recvmmsg.
 */
#ifndef PORT_H
#define PORT_H

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
/* Of a ring. A slot has the kernel's header before the frame; a block of 32 slots of 128 n bytes is n pages. */
#define SLOTS 1024
#define BLOCK_SLOTS 32
#define SLOT_HEADER_BYTES 128
#define LONGEST_SLOT_BYTES 4096
/* Ethernet, IPv4 without options, UDP; then the header of an fpisa message. */
#define MESSAGE 42
#define OPCODE (MESSAGE + 3)
#define SLOT (MESSAGE + 10)
#define CHUNK (MESSAGE + 20)
#define SET (MESSAGE + 30)
#define VALUES (MESSAGE + 32)
#define RESULT 2
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
    /* Of the ring; NULL without one. */
    uint8_t *ring;
    uint32_t slot_bytes, next_slot;
    int pending;
    uint64_t sent, received;
    /* All chunks below this one were sent. */
    uint64_t next;
};

static struct port ports[PORTS];
static int port_count;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double) t.tv_sec + (double) t.tv_nsec * 1e-9;
}

static void fail(const char *what, const char *which)
{
    fprintf(stderr, "%s %s: %s\n", what, which, strerror(errno));
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

/* To be called before the socket is bound. Returns NULL where the kernel refuses. */
static uint8_t *open_ring(int fd, uint32_t slot_bytes)
{
    struct tpacket_req request = { .tp_block_size = BLOCK_SLOTS * slot_bytes, .tp_block_nr = SLOTS / BLOCK_SLOTS, .tp_frame_size = slot_bytes, .tp_frame_nr = SLOTS };
    set_option(fd, SOL_PACKET, PACKET_VERSION, TPACKET_V2);
    if (setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &request, sizeof request) != 0)
        return NULL;
    uint8_t *ring = mmap(NULL, (size_t) SLOTS * slot_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
    if (ring != MAP_FAILED)
        return ring;
    request = (struct tpacket_req) { 0 };
    (void) setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &request, sizeof request);
    return NULL;
}

/* With a ring for received frames if slot_bytes is not 0: its address goes to *ring. */
static int packet_socket(const char *name, int protocol, uint32_t slot_bytes, uint8_t **ring)
{
    int fd = socket(AF_PACKET, SOCK_RAW, 0);
    if (fd < 0)
        fail("no packet socket at", name);
    set_option(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1);
    set_option(fd, SOL_PACKET, PACKET_QDISC_BYPASS, 1);
    set_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20);
    set_option(fd, SOL_SOCKET, SO_SNDBUFFORCE, 64 << 20);
    if (slot_bytes != 0)
        *ring = open_ring(fd, slot_bytes);
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

/*
 * text: <interface>,<file of frames to send>,<file of frames that arrive>. The frames that are sent all have one length.
 */
static void open_port(struct port *port, char *text, int with_ring, int with_xdp)
{
    port->name = strtok(text, ",");
    port->out = read_frames(strtok(NULL, ","));
    port->in = read_frames(strtok(NULL, ","));
    /* An odd number of lines' pairs: slots then do not compete for the same sets of a cache. */
    port->slot_bytes = (((uint32_t) port->in.length + SLOT_HEADER_BYTES + 127) / 128 | 1) * 128;
    int fits = with_ring && port->slot_bytes <= LONGEST_SLOT_BYTES;
    port->receiver = packet_socket(port->name, ETH_P_ALL, fits ? port->slot_bytes : 0, &port->ring);
    port->sender = packet_socket(port->name, 0, 0, NULL);
    port->xdp = with_xdp && port->out.length <= CHUNK_BYTES ? xdp_socket(port) : -1;
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

/* Sends what is queued. */
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

static struct tpacket2_hdr *slot_header(const struct port *port, uint32_t slot)
{
    return (struct tpacket2_hdr *) (port->ring + (size_t) (slot % SLOTS) * port->slot_bytes);
}

/* Takes what has arrived, at most a batch, and never waits. Returns the number of frames, to be given back by release(). */
static int take(struct port *port)
{
    if (port->ring == NULL) {
        int count = recvmmsg(port->receiver, port->receive, BATCH, MSG_DONTWAIT, NULL);
        return count < 0 ? 0 : count;
    }
    int count = 0;
    while (count < BATCH && (__atomic_load_n(&slot_header(port, port->next_slot + (uint32_t) count)->tp_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER) != 0)
        count++;
    return count;
}

static const uint8_t *frame_of(const struct port *port, int i)
{
    if (port->ring == NULL)
        return port->receive_memory + i * FRAME_BYTES;
    const struct tpacket2_hdr *header = slot_header(port, port->next_slot + (uint32_t) i);
    return (const uint8_t *) header + header->tp_mac;
}

static int length_of(const struct port *port, int i)
{
    return port->ring == NULL ? (int) port->receive[i].msg_len : (int) slot_header(port, port->next_slot + (uint32_t) i)->tp_len;
}

static void release(struct port *port, int count)
{
    if (port->ring == NULL)
        return;
    for (int i = 0; i < count; i++)
        __atomic_store_n(&slot_header(port, port->next_slot++)->tp_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
}

/* Waits for a frame at any port. */
static void wait_for_frames(int milliseconds)
{
    struct pollfd waiting[PORTS];
    for (int i = 0; i < port_count; i++)
        waiting[i] = (struct pollfd) { .fd = ports[i].receiver, .events = POLLIN };
    (void) poll(waiting, (nfds_t) port_count, milliseconds);
}

#endif
