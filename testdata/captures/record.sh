#!/usr/bin/env bash
#
# Remakes every capture beside this script, and the packet counts in README.md.
#
# Two network namespaces, joined by veth links, hold real tools that talk while
# tcpdump writes down what passes. Nothing leaves the namespaces. They are removed
# at the end, on failure too, and the captures are replaced only when all of
# them have been made and checked. It takes about a minute and needs
#
#   root, and a Linux kernel with network namespaces, veth, tun, clsact and BPF;
#   Debian's packages clang-19, curl, ethtool, iproute2 (built with libbpf),
#   iputils-ping, libbpf-dev, netcat-openbsd, procps, python3 (3.10 or newer),
#   tcpdump and tshark.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

if [[ $EUID -ne 0 ]]; then
	echo "record.sh: must run as root: it makes network namespaces" >&2
	exit 1
fi
for tool in capinfos clang-19 curl editcap ethtool gzip ip mergecap nc ping python3 ss sysctl tc tcpdump tshark; do
	if ! command -v "$tool" >/dev/null; then
		echo "record.sh: $tool is missing; see the packages named at the top of this script" >&2
		exit 1
	fi
done

left=ebtools-left-$$
right=ebtools-right-$$
work=$(mktemp -d)
out=$work/out
mkdir "$out"

# ----------------------------------------------------------------- processes

running=() # background processes that only cleanup ends

cleanup() {
	local status=$? ns
	trap - EXIT
	if ((${#running[@]})); then
		kill "${running[@]}" 2>/dev/null || true
	fi
	for ns in "$left" "$right"; do
		if [[ -e /run/netns/$ns ]]; then
			ip netns pids "$ns" | xargs -r kill -KILL || true
			ip netns del "$ns" || true
		fi
	done
	if ((status == 0)); then
		rm -rf "$work"
	else
		echo "record.sh: failed; the captures are as they were, and the tools' logs in $work" >&2
	fi
	exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT TERM HUP

on_left() { ip netns exec "$left" "$@"; }
on_right() { ip netns exec "$right" "$@"; }

# until_true COMMAND...: waits for up to five seconds.
until_true() {
	local i
	for ((i = 0; i < 100; i++)); do
		if "$@" >/dev/null 2>&1; then
			return
		fi
		sleep 0.05
	done
	echo "record.sh: gave up waiting for: $*" >&2
	return 1
}

# ----------------------------------------------------------------- recording

# record NAME DEVICE [OPTION...]: starts tcpdump on the left namespace's device.
tcpdumps=()
record() {
	local name=$1 device=$2
	shift 2
	ip netns exec "$left" tcpdump -Z root -n -U --immediate-mode -i "$device" "$@" \
		-w "$work/$name" 2>"$work/$name.log" &
	tcpdumps+=("$!")
	until_true grep -q 'listening on' "$work/$name.log"
}

# stop: ends every recording that runs, and fails if one lost packets.
stop() {
	local pid
	sleep 0.5
	kill -INT "${tcpdumps[@]}"
	for pid in "${tcpdumps[@]}"; do
		wait "$pid"
	done
	tcpdumps=()
	if grep -H 'dropped by kernel' "$work"/*.log | grep -v ':0 packets'; then
		echo "record.sh: tcpdump lost packets" >&2
		return 1
	fi
	# Let the next recording start with address resolution.
	on_left ip neigh flush all
	on_right ip neigh flush all
}

# --------------------------------------------------------------------- links

# link NAME NETWORK: a veth link with offloads off, so that what is recorded has
# the sizes and checksums of a wire. The left end is up, the right one is not
# yet. NETWORK is the last number of the MAC, IPv4 and IPv6 addresses' prefixes.
declare -A net4=([plain]=192.0.2 [single]=198.51.100 [double]=203.0.113 [raw]=10.0.0)
declare -A net6=([plain]=2001:db8:0:1: [single]=2001:db8:0:2: [double]=2001:db8:0:3: [raw]=fd00:0:0:4:)
declare -A mac=([plain]=00:00:5e:00:53:0 [single]=00:00:5e:00:53:1 [double]=00:00:5e:00:53:2)

addresses() {
	ip -n "$left" address add "${net4[$1]}.1/24" dev "$1"
	ip -n "$left" address add "${net6[$1]}:1/64" dev "$1"
	ip -n "$right" address add "${net4[$1]}.2/24" dev "$1"
	ip -n "$right" address add "${net6[$1]}:2/64" dev "$1"
}

link() {
	local name=$1
	ip link add "$name" address "${mac[$name]}1" netns "$left" type veth \
		peer name "$name" address "${mac[$name]}2" netns "$right"
	for ns in "$left" "$right"; do
		ip netns exec "$ns" ethtool -K "$name" tx off sg off tso off gso off gro off txvlan off >"$work/ethtool.log"
		ip netns exec "$ns" tc qdisc add dev "$name" clsact
	done
	addresses "$name"
	ip -n "$left" link set "$name" up
}

# filter NAMESPACE DEVICE HOOK PROGRAM: attaches a program of tc.c.
filter() {
	ip netns exec "$1" tc filter add dev "$2" "$3" bpf direct-action obj "$work/tc.o" program "$4"
}

no_address_is_tentative() {
	[[ -z $(ip -n "$left" -6 address show tentative; ip -n "$right" -6 address show tentative) ]]
}

# ------------------------------------------------------------------- traffic

echoes() { on_left ping -q -i 0.05 "$@" >>"$work/ping.log"; }

# The functions that follow take the name of a link.

echo4() { echoes "${@:2}" "${net4[$1]}.2"; }
echo6() { echoes -6 "${@:2}" "${net6[$1]}:2"; }

# http4 and http6 LINK PATH [OPTION...]: asks the server on the right.
http4() { on_left curl -sS --noproxy '*' -o /dev/null "${@:3}" "http://${net4[$1]}.2/$2"; }
http6() { on_left curl -sS --noproxy '*' -o /dev/null "${@:3}" -g "http://[${net6[$1]}:2]/$2"; }

# datagrams ADDRESS PORT QUESTION ANSWER: one UDP datagram each way.
datagrams() {
	local family=-4 pid
	if [[ $1 == *:* ]]; then
		family=-6
	fi
	ip netns exec "$right" nc "$family" -n -u -l -w 1 "$2" <"$4" >"$work/asked.$2" &
	pid=$!
	until_true listens -u "$2"
	on_left nc "$family" -n -u -w 1 "$1" "$2" <"$3" >"$work/answered.$2"
	wait "$pid"
	cmp "$3" "$work/asked.$2"
	cmp "$4" "$work/answered.$2"
}

# transfer LINK PORT FILE: sends the file over TCP.
transfer() {
	local pid
	ip netns exec "$right" nc -n -l "$2" >"$work/arrived.$2" </dev/null &
	pid=$!
	until_true listens -t "$2"
	on_left nc -n -N "${net4[$1]}.2" "$2" <"$3"
	wait "$pid"
	cmp "$3" "$work/arrived.$2"
}

# listens -t|-u PORT: whether anything does, on the right.
listens() { on_right ss -H -l -n "$1" "sport = :$2" | grep -q .; }

# A question for the address of www.example.com, an IPv4 and an IPv6 one, and answers.
name='\3www\7example\3com\0'
printf '%b' "\\x2a\\x2a\\1\\0\\0\\1\\0\\0\\0\\0\\0\\0$name\\0\\1\\0\\1" >"$work/ask-a"
printf '%b' "\\x2a\\x2a\\x81\\x80\\0\\1\\0\\1\\0\\0\\0\\0$name\\0\\1\\0\\1" \
	'\xc0\x0c\0\1\0\1\0\0\x0e\x10\0\4\xc0\0\2\x50' >"$work/answer-a"
printf '%b' "\\x2a\\x2b\\1\\0\\0\\1\\0\\0\\0\\0\\0\\0$name\\0\\x1c\\0\\1" >"$work/ask-aaaa"
printf '%b' "\\x2a\\x2b\\x81\\x80\\0\\1\\0\\1\\0\\0\\0\\0$name\\0\\x1c\\0\\1" \
	'\xc0\x0c\0\x1c\0\1\0\0\x0e\x10\0\x10\x20\1\x0d\xb8\0\0\0\1\0\0\0\0\0\0\0\x50' >"$work/answer-aaaa"

# text BYTES: that many, of numbered lines.
text() { seq -f 'line %05.0f of a file that goes over the network' 2000 | head -c "$1" || true; }
mkdir "$work/www"
text 600 >"$work/www/index.html"
text 6000 >"$work/www/page.txt"
text 4000 >"$work/big-question"
text 3000 >"$work/big-answer"
text 60000 >"$work/file"
text 20000 >"$work/small-file"

# --------------------------------------------------------------------- set up

clang-19 -O2 -g -Wall -Werror -target bpf -I"/usr/include/$(uname -m)-linux-gnu" -c "$here/tc.c" -o "$work/tc.o"

for ns in "$left" "$right"; do
	ip netns add "$ns"
	# One router solicitation is enough, and no router will answer.
	ip netns exec "$ns" sysctl -qw net.ipv6.conf.default.router_solicitations=1
	# Where the kernel has segment routing, let it answer to such a header.
	ip netns exec "$ns" sysctl -qwe net.ipv6.conf.all.seg6_enabled=1 net.ipv6.conf.default.seg6_enabled=1
	ip -n "$ns" link set lo up
done

ip netns exec "$right" python3 -m http.server --bind :: --directory "$work/www" 80 >"$work/http.log" 2>&1 &
running+=("$!")
until_true listens -t 80

# ------------------------------------------------------------- the recordings

echo "icmp6.pcap: the link comes up (duplicate address detection, multicast listener reports), then ping"
link plain
record icmp6.pcap plain
ip -n "$right" link set plain up
until_true no_address_is_tentative
for size in 0 56 1000 1452 4000; do
	echo6 plain -c 2 -s "$size"
done
echoes -6 -c 2 "$(ip -n "$right" -6 -o address show dev plain scope link | awk '{sub("/.*", "", $4); print $4}')%plain"
echoes -6 -c 2 ff02::1%plain
printf 'nobody is there' | on_left nc -6 -n -u -w 1 "${net6[plain]}:2" 9 || true
stop

echo "icmp_nsec.pcap, icmp.pcap: ping of several sizes and with IPv4 options"
record icmp_nsec.pcap plain --time-stamp-precision=nano
for size in 0 8 56 500 1472 4000; do
	echo4 plain -c 2 -s "$size"
done
echo4 plain -c 2 -R
echo4 plain -c 2 -T tsandaddr
echo4 plain -c 2 -Q 0xb8 -M 'do'
printf 'nobody is there' | on_left nc -n -u -w 1 "${net4[plain]}.2" 9 || true
stop

echo "http.pcap: curl over IPv4 and IPv6"
record http.pcap plain
for http in http4 http6; do
	"$http" plain index.html
	"$http" plain page.txt
	"$http" plain page.txt -I
	"$http" plain missing.html
done
stop

echo "udp.pcap: names asked for and given, and datagrams larger than a frame"
record udp.pcap plain
datagrams "${net4[plain]}.2" 53 "$work/ask-a" "$work/answer-a"
datagrams "${net6[plain]}:2" 53 "$work/ask-aaaa" "$work/answer-aaaa"
datagrams "${net4[plain]}.2" 5000 "$work/big-question" "$work/big-answer"
datagrams "${net6[plain]}:2" 5000 "$work/big-question" "$work/big-answer"
printf 'nobody is there' | on_left nc -n -u -w 1 "${net4[plain]}.2" 9 || true
stop

echo "tcp_retransmit.pcap: a transfer that loses every eighth segment after it was recorded"
filter "$right" plain ingress lose
record tcp_retransmit.pcap plain
transfer plain 7000 "$work/file"
stop

echo "vlan.pcap: ping, curl and nc over links whose frames carry one or two VLAN tags"
for name in single double; do
	link "$name"
	ip -n "$right" link set "$name" up
	for ns in "$left" "$right"; do
		filter "$ns" "$name" egress "push_$name"
		filter "$ns" "$name" ingress pop
	done
done
until_true no_address_is_tentative
for name in single double; do
	record "vlan_$name" "$name"
	echo4 "$name" -c 3
	echo6 "$name" -c 3
	http4 "$name" index.html
	http6 "$name" index.html
	datagrams "${net4[$name]}.2" 53 "$work/ask-a" "$work/answer-a"
	datagrams "${net6[$name]}:2" 53 "$work/ask-aaaa" "$work/answer-aaaa"
	if [[ $name == single ]]; then # two tags would not leave room for a full packet
		echo4 "$name" -c 2 -s 2000
		http4 "$name" page.txt
	fi
	stop
done

echo "mixed.pcap, snaplen.pcap: everything at once"
record mixed_plain plain
record mixed_single single
record mixed_double double
record snaplen.pcap plain -s 60
jobs=()
echo4 plain -c 30 & jobs+=("$!")
echo6 plain -c 30 & jobs+=("$!")
echo4 single -c 20 & jobs+=("$!")
echo4 double -c 10 & jobs+=("$!")
echo6 double -c 10 & jobs+=("$!")
http4 plain page.txt & jobs+=("$!")
http6 plain page.txt & jobs+=("$!")
http4 single page.txt & jobs+=("$!")
http6 double index.html & jobs+=("$!")
transfer plain 7001 "$work/small-file" & jobs+=("$!")
datagrams "${net4[plain]}.2" 53 "$work/ask-a" "$work/answer-a" & jobs+=("$!")
datagrams "${net6[double]}:2" 5300 "$work/ask-aaaa" "$work/answer-aaaa" & jobs+=("$!")
datagrams "${net4[plain]}.2" 5001 "$work/big-question" "$work/big-answer" & jobs+=("$!")
datagrams "${net6[plain]}:2" 5002 "$work/big-question" "$work/big-answer" & jobs+=("$!")
for pid in "${jobs[@]}"; do
	wait "$pid"
done
stop
on_right tc filter del dev plain ingress # no more losses

echo "raw_ip.pcap, several_interfaces.pcapng: a link of tun devices, and others at the same time"
ip netns exec "$left" python3 "$here/tun_link.py" "$right" >"$work/tun.log" &
running+=("$!")
until_true grep -q 'both devices exist' "$work/tun.log"
addresses raw
ip -n "$left" link set raw up
ip -n "$right" link set raw up
until_true no_address_is_tentative
record several_plain plain --time-stamp-precision=nano
record several_raw raw --time-stamp-precision=nano
record several_single single --time-stamp-precision=nano
record raw_ip.pcap raw
jobs=()
echo4 plain -c 3 & jobs+=("$!")
echo4 raw -c 3 & jobs+=("$!")
echo6 raw -c 3 & jobs+=("$!")
echo6 single -c 3 & jobs+=("$!")
http4 raw index.html & jobs+=("$!")
datagrams "${net6[raw]}:2" 53 "$work/ask-aaaa" "$work/answer-aaaa" & jobs+=("$!")
for pid in "${jobs[@]}"; do
	wait "$pid"
done
stop

echo "linux_sll.pcap, linux_sll2.pcap: all interfaces at once"
record linux_sll.pcap any -y LINUX_SLL
record linux_sll2.pcap any -y LINUX_SLL2
echoes -c 2 127.0.0.1
echoes -6 -c 2 ::1
# Not the link with two tags: this way of capturing does not keep the second one's EtherType.
for name in plain raw single; do
	echo4 "$name" -c 2
	echo6 "$name" -c 2
done
http4 plain index.html
http6 single index.html
datagrams "${net4[raw]}.2" 53 "$work/ask-a" "$work/answer-a"
stop

echo "odd.pcap: frames made by hand, and answers to some of them"
# The other side's address is known, so that address resolution is not among them.
ip -n "$right" neigh replace "${net4[plain]}.1" lladdr "${mac[plain]}1" dev plain
ip -n "$right" neigh replace "${net6[plain]}:1" lladdr "${mac[plain]}1" dev plain
record odd_sent plain
on_left python3 "$here/odd_frames.py" plain "${mac[plain]}2"
stop

# ------------------------------------------------------- what is made of them

cd "$work"
cp icmp6.pcap icmp_nsec.pcap http.pcap udp.pcap tcp_retransmit.pcap snaplen.pcap \
	raw_ip.pcap linux_sll.pcap linux_sll2.pcap "$out"
tcpdump -Z root -r icmp_nsec.pcap -w "$out/icmp.pcap" 2>tcpdump.log # in microseconds, unless told
mergecap -F pcap -w "$out/vlan.pcap" vlan_single vlan_double
mergecap -F pcap -w "$out/mixed.pcap" mixed_plain mixed_single mixed_double
editcap -F pcapng "$out/mixed.pcap" "$out/mixed.pcapng"
gzip -9 -n <"$out/mixed.pcap" >"$out/mixed.pcap.gz"

# The first packets, and no end to the last of them.
editcap -F pcap -r "$out/mixed.pcap" start.pcap 1-40
editcap -F pcapng start.pcap start.pcapng
head -c -30 start.pcap >"$out/truncated.pcap"
head -c -30 start.pcapng >"$out/truncated.pcapng"
tcpdump -Z root -r "$out/mixed.pcap" -w "$out/empty.pcap" 'ether proto 0' 2>tcpdump.log

python3 "$here/formats.py" runts odd_sent "$out/odd.pcap"
python3 "$here/formats.py" be icmp_nsec.pcap "$out/icmp_be.pcap"
python3 "$here/formats.py" be-nsec icmp_nsec.pcap "$out/icmp_be_nsec.pcap"
python3 "$here/formats.py" be-pcapng icmp_nsec.pcap "$out/icmp_be.pcapng"
python3 "$here/formats.py" interfaces several_plain several_raw several_single "$out/several_interfaces.pcapng"

# ---------------------------------------------------------------------- checks

# count FILE FILTER [OPTION...]: how many packets match a display filter.
count() {
	tshark -n -r "$out/$1" -Y "$2" "${@:3}" -T fields -e frame.number >matches 2>tshark.log || return
	wc -l <matches
}

# expect FILE MINIMUM FILTER: at least so many do.
expect() {
	local n
	n=$(count "$1" "$3")
	if ((n < $2)); then
		echo "record.sh: $1: $n packets match '$3', expected $2 or more" >&2
		return 1
	fi
}

echo "checking"
expect icmp.pcap 12 'icmp.type == 8 || icmp.type == 0'
expect icmp.pcap 4 'ip.flags.mf == 1'
expect icmp.pcap 4 'ip.opt.type'
expect icmp.pcap 1 'icmp.type == 3'
expect icmp.pcap 2 'arp'
expect icmp6.pcap 2 'icmpv6.type == 135'
expect icmp6.pcap 2 'icmpv6.type == 136'
expect icmp6.pcap 10 'icmpv6.type == 128'
expect icmp6.pcap 1 'icmpv6.type == 143 && ipv6.hopopts'
expect icmp6.pcap 1 'ipv6.fraghdr'
expect http.pcap 4 'http.request && ip'
expect http.pcap 4 'http.request && ipv6'
expect http.pcap 2 'http.response.code == 404'
expect udp.pcap 4 'dns && !icmp'
expect udp.pcap 4 'ip.flags.mf == 1'
expect udp.pcap 4 'ipv6.fraghdr'
expect tcp_retransmit.pcap 4 'tcp.analysis.retransmission'
for proto in arp icmp icmpv6 tcp udp; do
	expect vlan.pcap 2 "$proto && vlan.id == 100 && !ieee8021ad"
	expect vlan.pcap 2 "$proto && ieee8021ad.id == 200 && vlan.id == 300"
	expect mixed.pcap 2 "$proto && !vlan"
done
expect mixed.pcap 20 'icmp && vlan && !ieee8021ad'
expect mixed.pcap 20 'icmp && ieee8021ad'
expect mixed.pcap 20 'icmpv6 && ieee8021ad'
expect mixed.pcap 1 'tcp.analysis.retransmission'
expect raw_ip.pcap 6 'ip && !eth'
expect raw_ip.pcap 6 'ipv6 && !eth'
expect odd.pcap 5 'frame.len < 14'
expect odd.pcap 4 'icmp.type == 0'
expect odd.pcap 5 'icmpv6.type == 129'
expect snaplen.pcap 20 'frame.len > frame.cap_len && frame.cap_len <= 60'
for file in linux_sll linux_sll2; do
	expect $file.pcap 8 'icmp && sll'
done
expect linux_sll.pcap 2 'icmp && vlan.id == 100'
for file in truncated.pcap truncated.pcapng; do
	if tcpdump -Z root -r "$out/$file" -w /dev/null 2>tcpdump.log; then
		echo "record.sh: $file reads to its end, expected it to be cut" >&2
		exit 1
	fi
	n=$(count "$file" frame || wc -l <matches)
	if ((n != 39)); then
		echo "record.sh: $file: $n packets, expected 39" >&2
		exit 1
	fi
done
# A checksum left to hardware would be wrong here.
wrong='ip.checksum.status == 0 || tcp.checksum.status == 0 || udp.checksum.status == 0 || icmp.checksum.status == 0 || icmpv6.checksum.status == 0'
for file in icmp icmp6 http udp tcp_retransmit vlan mixed; do
	n=$(count "$file.pcap" "$wrong" -o ip.check_checksum:TRUE -o tcp.check_checksum:TRUE -o udp.check_checksum:TRUE)
	if ((n != 0)); then
		echo "record.sh: $file.pcap: $n packets have a wrong checksum, expected none" >&2
		exit 1
	fi
done

# ------------------------------------------------------------------------- done

# The last column of README.md's table is the number of packets.
for file in "$out"/*; do
	n=$(count "${file##*/}" frame || wc -l <matches)
	printf '%-26s %8d bytes %5d packets\n' "${file##*/}" "$(stat -c %s "$file")" "$n"
	if ! grep -q "^| \`${file##*/}\` |" "$here/README.md"; then
		echo "record.sh: README.md has no row for ${file##*/}" >&2
		exit 1
	fi
	sed -i -E "s/^(\\| \`${file##*/}\` \\|.*\\|) [0-9]* \\|\$/\\1 $n |/" "$here/README.md"
done
cp "$out"/* "$here"
