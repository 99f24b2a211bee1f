/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the programs know, and what they tell. The agent writes the one and reads the other; the
 * layouts are those of io/kernel/src/guard/layout.rs.
 *
 * All maps are pinned: they outlive the agent, and a new version of the programs finds them. */
#pragma once

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "reason.h"

#define MANY (1 << 17)
#define OWN_ADDRESSES 8

/* An IPv6 address, or an IPv4 address as ::ffff:a.b.c.d. */
struct address {
	union {
		__u8 bytes[16];
		__u32 parts[4];
		__u64 words[2];
	};
};

/* An Ethernet address. In frames and tables it lies at a multiple of two, not always of four. */
struct mac {
	union {
		__u8 bytes[6];
		__u16 parts[3];
	};
};

/* A MAC address of a network. */
struct station {
	__u32 vni;
	struct mac mac;
	__u16 zero;
};

/* What a workload may send, by its port. Unused places of `own` are all zero. */
struct port {
	__u32 vni; /* NO_VNI at the egress bridge */
	struct mac mac;
	__u8 ipv6;     /* whether it may speak IPv6 at all */
	__u8 forwards; /* whether it may send what others sent, under their addresses */
	__u8 zero[4];
	struct address own[OWN_ADDRESSES];
};

struct config {
	__u16 vxlan_port; /* host byte order; 0: not set yet, nothing is VXLAN */
	__u16 engine;	  /* the agent's, which reads here what it wrote */
	__u32 shared;	  /* the VXLAN device of all networks, if there is one */
	struct address local; /* this host's tunnel end point */
};

/* How a network gets to this host's workloads: bits of the values of `vnis`. */
#define BRIDGED 1
#define WOVEN 2

/* Where a station is. */
struct home {
	struct address host; /* nobody: this one */
	__u32 interface;     /* the host's end of its interface, if it is here and programs carry */
	__u32 zero;
};

/* An IP address of a network. */
struct spot {
	__u32 vni;
	__u32 zero;
	struct address address;
};

struct neighbor {
	struct mac mac;
	__u8 local; /* its station is on this host */
	__u8 zero;
};

/* One of those that a broadcast of a network goes to. */
struct seat {
	__u32 vni;
	__u32 number; /* from 0 on, without a gap; those of this host first */
};

/* How another host is reached. */
struct way {
	__u64 until; /* nanoseconds; then the routes are asked again */
	__u64 tick;  /* of the kernel's timer: when it was last looked whether that is over */
	__u32 interface;
	__u32 mtu;
	__u32 gateway; /* or the host itself; network byte order */
	struct mac to;
	struct mac from;
	__u8 state;
	__u8 zero[3];
};

#define NO_VNI 0xffffffff

struct sample {
	__u64 at; /* nanoseconds of CLOCK_MONOTONIC */
	__u32 reason;
	__u32 ifindex;
	__u32 vni; /* or NO_VNI */
	__u32 length;
	struct address outer;
	struct address source;
	struct address destination;
	__u8 destination_mac[6];
	__u8 source_mac[6];
	__u32 zero;
};

/* How many samples of a reason have been told in this window of 2^30 ns. */
struct told {
	__u64 window;
	__u64 count;
};

#define TOLD_A_WINDOW 32

#define PINNED __uint(pinning, LIBBPF_PIN_BY_NAME)
#define TABLE(name, key_type, value_type, most)                                                    \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_HASH);                                                   \
		__uint(max_entries, most);                                                         \
		__uint(map_flags, BPF_F_NO_PREALLOC);                                              \
		__type(key, key_type);                                                             \
		__type(value, value_type);                                                         \
		PINNED;                                                                            \
	} name SEC(".maps")

/* Other members' tunnel end points. */
TABLE(peers, struct address, __u32, 1 << 13);
/* Networks that this host takes part in. */
TABLE(vnis, __u32, __u32, 1 << 13);
/* Where stations are: whom to send to, and who may send from there. */
TABLE(homes, struct station, struct home, MANY);
/* Which station has an address. */
TABLE(neighbors, struct spot, struct neighbor, MANY);
/* Whom broadcasts go to. */
TABLE(members, struct seat, struct home, MANY);
/* Ports of workloads, by the number of their interface. */
TABLE(ports, __u32, struct port, 1 << 13);
/* Ports of the agent: IP protocol << 16 | port. */
TABLE(doors, __u32, __u32, 64);

/* Ways to other hosts; each processor finds its own, so that none reads what another writes. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 1 << 13);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct address);
	__type(value, struct way);
	PINNED;
} ways SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct config);
	PINNED;
} config SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, REASONS);
	__type(key, __u32);
	__type(value, __u64);
	PINNED;
} drops SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, REASONS);
	__type(key, __u32);
	__type(value, struct told);
	PINNED;
} told SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 18);
	PINNED;
} samples SEC(".maps");
