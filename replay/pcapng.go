package replay

import (
	"encoding/binary"
	"fmt"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/pcapgo"
)

// pcapngSource decodes pcapng with pcapgo, which is given checked blocks only.
// Times come from ngBlocks: pcapgo v1.7 is wrong about clocks that count in powers
// of two (by up to 0.7 ms for 2^-20 s, 74 ms for 2^-32 s), and takes a resolution
// of seconds for one of microseconds.
type pcapngSource struct {
	blocks *ngBlocks
	reader *pcapgo.NgReader
	name   string
}

func newPcapngSource(w *window) (*pcapngSource, error) {
	s := &pcapngSource{blocks: &ngBlocks{w: w, order: binary.LittleEndian}}
	if err := s.open(); err != nil {
		return nil, err
	}
	s.name = "pcapng, little-endian"
	if s.blocks.order == binary.BigEndian {
		s.name = "pcapng, big-endian"
	}
	return s, nil
}

func (s *pcapngSource) format() string        { return s.name }
func (s *pcapngSource) linkTypes() []LinkType { return s.blocks.linkTypes() }

func (s *pcapngSource) open() (err error) {
	defer func() { err = s.explain(err, recover()) }()
	s.reader, err = pcapgo.NewNgReader(s.blocks, pcapgo.NgReaderOptions{WantMixedLinkType: true})
	return err
}

func (s *pcapngSource) next(p *Packet) error {
	data, info, err := s.read()
	if err != nil {
		return err
	}
	p.record = data
	p.Data = data[:len(data):len(data)]
	p.TimeNS = s.blocks.timeNS
	p.WireLen = max(info.Length, len(data))
	p.Number = s.blocks.packets
	p.Interface = info.InterfaceIndex
	p.LinkType = s.blocks.link
	return nil
}

func (s *pcapngSource) read() (data []byte, info gopacket.CaptureInfo, err error) {
	defer func() { err = s.explain(err, recover()) }()
	return s.reader.ZeroCopyReadPacketData()
}

// explain replaces pcapgo's error by the one of ngBlocks, if there is one, since
// that knows the place; and makes an error of a panic.
func (s *pcapngSource) explain(err error, panicked any) error {
	switch {
	case err == nil && panicked == nil:
		return nil
	case s.blocks.err != nil:
		return s.blocks.err
	case panicked != nil:
		return s.blocks.damaged("%v", panicked)
	}
	return fmt.Errorf("%w: %w", s.blocks.damaged("the decoder refuses it"), err)
}
