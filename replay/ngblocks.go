package replay

import (
	"encoding/binary"
	"fmt"
	"io"
	"slices"
)

// Block types of pcapng (draft-ietf-opsawg-pcapng). All others are passed over.
const (
	ngSection   = 0x0a0d0d0a // the same in both byte orders
	ngInterface = 1
	ngPacket    = 2 // obsolete, but old files have it
	ngSimple    = 3
	ngEnhanced  = 6
)

const (
	ngByteOrder uint32 = 0x1a2b3c4d

	// ngMaxBlock is the longest block that is held in memory: a packet of the
	// greatest length with 64 KiB for its options.
	ngMaxBlock = maxRecord + 64<<10
	// ngMaxInterfaces is how many interfaces one section may describe.
	ngMaxInterfaces = 1 << 16
)

// ngBlocks gives a pcapng decoder whole, checked blocks and nothing else. Every
// length and index is verified before the decoder sees it, and options are left
// out, so that the decoder has nothing to trust, and nothing to collect in
// memory.
//
// No Read returns bytes of two blocks. So when the decoder returns a packet, the
// fields below the first group describe that packet.
type ngBlocks struct {
	w     *window
	order binary.ByteOrder
	size  int    // length of the block being handed out, at the window's start
	out   []byte // what is left of it
	err   error

	interfaces []ngInterfaceInfo // of this section
	packets    int64             // packet blocks handed out
	link       LinkType          // of the last one's interface
	timeNS     int64             // of the last one; 0 for a simple packet block
}

// ngInterfaceInfo is what an interface description says about its packets.
type ngInterfaceInfo struct {
	link    LinkType
	snaplen uint32
	clock   ngClock
}

// Read implements io.Reader for the decoder.
func (b *ngBlocks) Read(p []byte) (int, error) {
	if len(b.out) == 0 {
		if b.err == nil {
			b.err = b.advance()
		}
		if b.err != nil {
			return 0, b.err
		}
	}
	n := copy(p, b.out)
	b.out = b.out[n:]
	return n, nil
}

// what names the block at the window's start in messages.
func (b *ngBlocks) what() string {
	if b.packets == 0 {
		return "the block before packet 1"
	}
	return fmt.Sprintf("the block after packet %d", b.packets)
}

func (b *ngBlocks) damaged(format string, args ...any) error {
	return b.w.damaged(b.what(), format, args...)
}

// advance puts the next block that matters into out. It returns io.EOF where the
// input ends between two blocks.
func (b *ngBlocks) advance() error {
	w := b.w
	w.start += b.size
	b.size = 0
	for {
		const smallest = 12 // type, length, length again
		if err := w.fill(smallest); err == io.EOF && w.start == w.end {
			return io.EOF
		} else if err != nil {
			return w.short(b.what(), smallest, err)
		}
		head := w.buf[w.start : w.start+smallest]
		// A section header decides the byte order of its own type and length.
		if binary.LittleEndian.Uint32(head) == ngSection {
			switch ngByteOrder {
			case binary.LittleEndian.Uint32(head[8:]):
				b.order = binary.LittleEndian
			case binary.BigEndian.Uint32(head[8:]):
				b.order = binary.BigEndian
			default:
				if w.offset() == 0 {
					return fmt.Errorf("%w: pcapng, but its byte-order mark is % x; expected 1a 2b 3c 4d or the reverse", ErrFormat, head[8:])
				}
				return b.damaged("its byte-order mark is % x; expected 1a 2b 3c 4d or the reverse", head[8:])
			}
		}
		kind, size := b.order.Uint32(head), b.order.Uint32(head[4:])
		if size < smallest || size%4 != 0 {
			return b.damaged("its length is %d; expected a multiple of 4, at least %d", size, smallest)
		}
		least := ngLeast(kind)
		if least == 0 {
			if err := b.pass(int64(size)); err != nil {
				return err
			}
			continue
		}
		if size < least || size > ngMaxBlock {
			return b.damaged("its length is %d for type %d; expected %d to %d", size, kind, least, ngMaxBlock)
		}
		if err := w.fill(int(size)); err != nil {
			return w.short(b.what(), int64(size), err)
		}
		block := w.buf[w.start : w.start+int(size)]
		if again := b.order.Uint32(block[size-4:]); again != size {
			return b.damaged("its length is %d at the start and %d at the end", size, again)
		}
		n, err := b.check(kind, block)
		if err != nil {
			return err
		}
		// Without its options the block has n bytes.
		b.order.PutUint32(block[4:], uint32(n))
		b.order.PutUint32(block[n-4:], uint32(n))
		b.size, b.out = int(size), block[:n]
		return nil
	}
}

// ngLeast returns the length of the shortest block of a kind that is handed out,
// 0 for a kind that doesn't matter.
func ngLeast(kind uint32) uint32 {
	switch kind {
	case ngSection:
		return 28
	case ngInterface:
		return 20
	case ngPacket, ngEnhanced:
		return 32
	case ngSimple:
		return 16
	}
	return 0
}

// check looks into a block that has its least length, takes out of it what the
// fields of b tell, and returns how long it is without options.
func (b *ngBlocks) check(kind uint32, block []byte) (int, error) {
	switch kind {
	case ngSection:
		return 28, b.section(block)
	case ngInterface:
		return 20, b.describe(block)
	case ngEnhanced:
		return b.stamped(block, b.order.Uint32(block[8:]))
	case ngPacket:
		return b.stamped(block, uint32(b.order.Uint16(block[8:])))
	}
	return b.simple(block)
}

// pass consumes a block of no interest.
func (b *ngBlocks) pass(size int64) error {
	w := b.w
	at := w.offset()
	err := w.skip(size - 4)
	if err == nil {
		err = w.fill(4)
	}
	if err != nil {
		return w.shortAt(b.what(), at, w.offset()-at+int64(w.end-w.start), size, err)
	}
	if again := b.order.Uint32(w.buf[w.start:]); int64(again) != size {
		return b.damaged("ends with length %d, but began with %d", again, size)
	}
	w.start += 4
	return nil
}

func (b *ngBlocks) section(block []byte) error {
	major, minor := b.order.Uint16(block[12:]), b.order.Uint16(block[14:])
	if major != 1 || (minor != 0 && minor != 2) {
		return fmt.Errorf("%w: pcapng version %d.%d; expected 1.0", ErrFormat, major, minor)
	}
	// Some writers say 1.2 and mean 1.0 (section 4.1 of the draft), which the
	// decoder does not know.
	b.order.PutUint16(block[14:], 0)
	b.interfaces = b.interfaces[:0]
	return nil
}

func (b *ngBlocks) describe(block []byte) error {
	if len(b.interfaces) == ngMaxInterfaces {
		return b.damaged("more than %d interfaces in a section", ngMaxInterfaces)
	}
	info := ngInterfaceInfo{
		link:    LinkType(b.order.Uint16(block[8:])),
		snaplen: b.order.Uint32(block[12:]),
		clock:   ngMicroseconds,
	}
	options := block[16 : len(block)-4]
	for len(options) >= 4 {
		code, n := b.order.Uint16(options), int(b.order.Uint16(options[2:]))
		if code == 0 {
			break
		}
		if n > len(options)-4 {
			return b.damaged("option %d has %d bytes, where %d are left", code, n, len(options)-4)
		}
		value := options[4 : 4+n]
		switch {
		case code == 9 && n == 1: // if_tsresol
			info.clock.setResolution(value[0])
		case code == 14 && n == 8: // if_tsoffset
			info.clock.offset = int64(b.order.Uint64(value))
		}
		options = options[min(4+(n+3)&^3, len(options)):]
	}
	b.interfaces = append(b.interfaces, info)
	return nil
}

// stamped checks a packet block with a time. The enhanced and the obsolete one
// differ only in the width of the interface's index.
func (b *ngBlocks) stamped(block []byte, index uint32) (int, error) {
	if int64(index) >= int64(len(b.interfaces)) {
		return 0, b.damaged("interface %d, where the section has described %d", index, len(b.interfaces))
	}
	info := &b.interfaces[index]
	units := uint64(b.order.Uint32(block[12:]))<<32 | uint64(b.order.Uint32(block[16:]))
	return b.packet(block, 28, b.order.Uint32(block[20:]), info, info.clock.ns(units))
}

func (b *ngBlocks) simple(block []byte) (int, error) {
	if len(b.interfaces) == 0 {
		return 0, b.damaged("interface 0, where the section has described none")
	}
	// This block does not tell how much was captured.
	info := &b.interfaces[0]
	captured := b.order.Uint32(block[8:])
	if info.snaplen > 0 {
		captured = min(captured, info.snaplen)
	}
	return b.packet(block, 12, captured, info, 0)
}

// packet checks that captured bytes of a packet follow the block's header, and
// returns the length of the block without what follows them.
func (b *ngBlocks) packet(block []byte, header int, captured uint32, info *ngInterfaceInfo, timeNS int64) (int, error) {
	if limit := recordLimit(info.snaplen); captured > limit {
		return 0, b.damaged("its captured length of %d bytes is over the limit of %d", captured, limit)
	}
	size := header + int(captured+3)&^3 + 4
	if size > len(block) {
		return 0, b.damaged("captured length of %d bytes in a block of %d", captured, len(block))
	}
	b.packets++
	b.link, b.timeNS = info.link, timeNS
	return size, nil
}

// linkTypes returns the link types of the section's interfaces, each once.
func (b *ngBlocks) linkTypes() []LinkType {
	var list []LinkType
	for _, i := range b.interfaces {
		if !slices.Contains(list, i.link) {
			list = append(list, i.link)
		}
	}
	return list
}
