//! Ethernet, ARP, IPv4, IPv6, UDP, TCP, ICMP and VXLAN as bytes
