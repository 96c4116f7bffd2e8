/*
 * A link between two network namespaces that holds every packet for a time: what netem would do, for kernels without
 * it. usage: delay-link NAMESPACE_A NAMESPACE_B DEVICE ONE_WAY_MICROSECONDS
 * It makes a tun device of that name in each, says "ready" on stdout, and relays until it is ended.
 * The delay is the same for all packets, so each direction is a plain queue, the packet that is due first in front.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { QUEUE_LENGTH = 1 << 15, MAX_PACKET = 2048 };

struct packet {
  int64_t due;
  ssize_t length;
  unsigned char bytes[MAX_PACKET];
};

struct queue {
  struct packet *packets;
  unsigned head, tail;
};

static int64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void fail(const char *what) {
  perror(what);
  exit(1);
}

/* Enters the namespace for good: the device stays there, and so does the process. */
static int open_device(const char *name_space, const char *device) {
  char path[256];
  snprintf(path, sizeof path, "/var/run/netns/%s", name_space);
  int space = open(path, O_RDONLY | O_CLOEXEC);
  if (space < 0 || setns(space, CLONE_NEWNET) < 0) fail(path);
  close(space);
  int tun = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  struct ifreq request;
  memset(&request, 0, sizeof request);
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  snprintf(request.ifr_name, sizeof request.ifr_name, "%s", device);
  if (tun < 0 || ioctl(tun, TUNSETIFF, &request) < 0) fail("/dev/net/tun");
  return tun;
}

static void take(int from, struct queue *queue, int64_t delay) {
  for (;;) {
    struct packet *packet = &queue->packets[queue->head % QUEUE_LENGTH];
    if (queue->head - queue->tail == QUEUE_LENGTH) return;
    packet->length = read(from, packet->bytes, MAX_PACKET);
    if (packet->length <= 0) return;
    packet->due = now_ns() + delay;
    queue->head++;
  }
}

/* Gives what is due; the time until the next packet is, or -1. */
static int64_t give(int to, struct queue *queue) {
  while (queue->tail != queue->head) {
    struct packet *packet = &queue->packets[queue->tail % QUEUE_LENGTH];
    int64_t left = packet->due - now_ns();
    if (left > 0) return left;
    if (write(to, packet->bytes, packet->length) < 0 && errno == EAGAIN) return 100000;
    queue->tail++;
  }
  return -1;
}

int main(int count, char **arguments) {
  if (count != 5) return 2;
  int ends[2] = {open_device(arguments[1], arguments[3]), open_device(arguments[2], arguments[3])};
  int64_t delay = atoll(arguments[4]) * 1000;
  struct queue queues[2];
  for (int i = 0; i < 2; i++) {
    queues[i].packets = calloc(QUEUE_LENGTH, sizeof(struct packet));
    queues[i].head = queues[i].tail = 0;
    if (queues[i].packets == NULL) fail("memory");
  }
  puts("ready");
  fflush(stdout);
  struct pollfd polled[2] = {{.fd = ends[0], .events = POLLIN}, {.fd = ends[1], .events = POLLIN}};
  for (;;) {
    int64_t wait = -1;
    for (int i = 0; i < 2; i++) {
      take(ends[i], &queues[i], delay);
      int64_t left = give(ends[1 - i], &queues[i]);
      if (left >= 0 && (wait < 0 || left < wait)) wait = left;
    }
    struct timespec limit = {wait / 1000000000, wait % 1000000000};
    ppoll(polled, 2, wait < 0 ? NULL : &limit, NULL);
  }
}
