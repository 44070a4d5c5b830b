package vm

import (
	"encoding/binary"

	"ebtools/bpf/linux"
)

// Helpers for checksums (net/core/filter.c).
var skbChecksumHelpers = []helper{
	{id: linux.FnL3CsumReplace, fn: l3ChecksumReplace},
	{id: linux.FnL4CsumReplace, fn: l4ChecksumReplace},
	{id: linux.FnCsumDiff, fn: checksumDiff},
	{id: linux.FnCsumUpdate, fn: checksumUpdate},
	{id: linux.FnCsumLevel, fn: checksumLevel},
}

// checksumField gives the checksum at an offset of the packet, for changing.
func (s *skb) checksumField(off uint64) ([]byte, error) {
	if off > 0xffff || off&1 != 0 || s.writable(uint32(off)+2) != nil {
		return nil, linux.EFAULT
	}
	return s.bytes()[off : off+2], nil
}

// l3ChecksumReplace: r1 context, r2 offset of the checksum, r3 from and r4 to, of
// what it covers, r5 their size, 2 or 4; 0: r4 is what bpf_csum_diff gave. 0 or
// an error number.
func l3ChecksumReplace(t *thread, r *registers) {
	s := t.skbArgument(r)
	if s == nil {
		return
	}
	if r[5]&^linux.FHdrFieldMask != 0 {
		r[0] = result(linux.EINVAL)
		return
	}
	field, err := s.checksumField(uint64(uint32(r[2])))
	if err == nil {
		err = replaceChecksum(field, r)
	}
	r[0] = result(err)
}

// replaceChecksum changes a checksum as r3 to r5 say.
func replaceChecksum(field []byte, r *registers) error {
	check := binary.LittleEndian.Uint16(field)
	switch size := r[5] & linux.FHdrFieldMask; {
	case size == 0 && r[3] == 0:
		check = checksumByDiff(check, uint32(r[4]))
	case size == 2:
		check = checksumReplace2(check, uint16(r[3]), uint16(r[4]))
	case size == 4:
		check = checksumReplace4(check, uint32(r[3]), uint32(r[4]))
	default:
		return linux.EINVAL
	}
	binary.LittleEndian.PutUint16(field, check)
	return nil
}

// l4ChecksumReplace: the same for the checksum of TCP or UDP, r5 also flags
// BPF_F_PSEUDO_HDR, BPF_F_MARK_MANGLED_0, BPF_F_MARK_ENFORCE and BPF_F_IPV6.
func l4ChecksumReplace(t *thread, r *registers) {
	s := t.skbArgument(r)
	if s == nil {
		return
	}
	const all = linux.FMarkMangled0 | linux.FMarkEnforce | linux.FPseudoHdr | linux.FHdrFieldMask | linux.FIPv6
	if r[5]&^all != 0 {
		r[0] = result(linux.EINVAL)
		return
	}
	field, err := s.checksumField(uint64(uint32(r[2])))
	if err == nil {
		err = s.replaceL4(field, r)
	}
	r[0] = result(err)
}

func (s *skb) replaceL4(field []byte, r *registers) error {
	flags := r[5]
	mangled := flags&linux.FMarkMangled0 != 0
	zero := func() bool { return field[0]|field[1] == 0 }
	if mangled && flags&linux.FMarkEnforce == 0 && zero() {
		return nil
	}
	// Fields of 2 bytes are taken as numbers of 4 here (inet_proto_csum_replace2).
	size, from, to := flags&linux.FHdrFieldMask, uint32(r[3]), uint32(r[4])
	check := binary.LittleEndian.Uint16(field)
	switch {
	case size == 0 && r[3] == 0:
		check = checksumByDiff(check, to)
	case size == 2:
		from, to = uint32(uint16(from)), uint32(uint16(to))
		check = checksumReplace4(check, from, to)
	case size == 4:
		check = checksumReplace4(check, from, to)
	default:
		return linux.EINVAL
	}
	binary.LittleEndian.PutUint16(field, check)
	if flags&linux.FPseudoHdr != 0 && s.summed == ChecksumComplete {
		switch {
		case size != 0:
			s.sum = ^checksumAdd(checksumSub(^s.sum, from), to)
		case flags&linux.FIPv6 == 0:
			s.sum = ^checksumSub(to, s.sum)
		}
	}
	if mangled && zero() {
		field[0], field[1] = 0xff, 0xff
	}
	return nil
}

// checksumDiff: r1 from, r2 its size, r3 to, r4 its size, r5 what to begin with.
// The difference as a sum of 16 bits.
func checksumDiff(t *thread, r *registers) {
	from := t.memoryArgument(1, r, uint64(uint32(r[2])), false)
	if t.fault != nil {
		return
	}
	to := t.memoryArgument(3, r, uint64(uint32(r[4])), false)
	if t.fault != nil {
		return
	}
	sum := uint32(r[5])
	switch {
	case len(from) > 0 && len(to) > 0:
		sum = checksumSub(checksumPartial(to, sum), checksumPartial(from, 0))
	case len(to) > 0:
		sum = checksumPartial(to, sum)
	case len(from) > 0:
		sum = ^checksumPartial(from, ^sum)
	}
	r[0] = uint64(checksumTo16(sum))
}

// checksumUpdate: r1 context, r2 what to add to the sum over the packet. That sum,
// or ENOTSUPP where there is none.
func checksumUpdate(t *thread, r *registers) {
	s := t.skbArgument(r)
	if s == nil {
		return
	}
	if s.summed != ChecksumComplete {
		r[0] = result(linux.ENOTSUPP)
		return
	}
	s.sum = checksumAdd(s.sum, uint32(r[2]))
	r[0] = uint64(s.sum)
}

// maxChecksumLevel is how many further checksums may be known to be right.
const maxChecksumLevel = 3

// checksumLevel: r1 context, r2 what to do with the number of checksums that are
// right: 0 tell, 1 one more, 2 one less, 3 none. The number, 0 or an error number.
func checksumLevel(t *thread, r *registers) {
	s := t.skbArgument(r)
	if s == nil {
		return
	}
	known := s.summed == ChecksumUnnecessary
	const (
		query = iota
		more
		less
		reset
	)
	switch level := r[2]; {
	case level == query && known:
		r[0] = uint64(s.level)
		return
	case level == query:
		r[0] = result(linux.EACCES)
		return
	case level > reset:
		r[0] = result(linux.EINVAL)
		return
	case level == more && known:
		s.level = min(s.level+1, maxChecksumLevel)
	case level == more && s.summed == ChecksumNone:
		s.summed, s.level = ChecksumUnnecessary, 0
	case level == less && known && s.level > 0:
		s.level--
	case level != more && known:
		s.summed, s.level = ChecksumNone, 0
	}
	r[0] = 0
}
