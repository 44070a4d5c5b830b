package vm

import (
	"encoding/binary"
	"math/bits"

	"ebtools/bpf/linux"
)

// lpm is a trie of prefixes (kernel/bpf/lpm_trie.c). A key is the length of the
// prefix in bits, 4 bytes, then its data, most significant bit first. Nodes that
// have one child only and no value are left out, so a lookup visits at most as many
// nodes as the prefix has bits. Positions are in the kernel's order: longer
// prefixes before those they begin with, then by data.
type lpm struct {
	keySize int
	bits    uint32 // of a key's data
	keys    []byte // of node i at i*keySize; data behind the prefix as it was given
	nodes   []lpmNode
	free    []int32
	root    int32 // -1 for none
	count   int
	max     int
	pool    pool
}

type lpmNode struct {
	head   uint64   // the first 8 bytes of its data
	child  [2]int32 // by the bit behind the prefix, -1 for none
	prefix uint32   // length in bits
	slot   int32    // of the value, -1 of a node that only joins two others
}

// lpmLinger is how many slots of removed or replaced values are left alone before
// they are used again: the kernel frees none that a program still looks at.
const lpmLinger = 64

func newLPM(m *Map) error {
	slots := int(m.def.MaxEntries) + lpmLinger
	if err := m.allocate(int(m.def.ValueSize), slots, false); err != nil {
		return err
	}
	m.entries = &lpm{
		keySize: int(m.def.KeySize), bits: 8 * (m.def.KeySize - 4), root: -1,
		max: int(m.def.MaxEntries), pool: newPool(m.values, slots, true),
	}
	return nil
}

func (l *lpm) data(n int32) []byte {
	return l.keys[int(n)*l.keySize+4 : (int(n)+1)*l.keySize]
}

// head is the first 8 bytes of a key's data, as a number.
func head(data []byte) uint64 {
	if len(data) >= 8 {
		return binary.BigEndian.Uint64(data)
	}
	var b [8]byte
	copy(b[:], data)
	return binary.BigEndian.Uint64(b[:])
}

// common is how many bits node n has in common with a key, at most limit.
func (l *lpm) common(n int32, head uint64, data []byte, limit uint32) uint32 {
	if x := l.nodes[n].head ^ head; x != 0 {
		return min(limit, uint32(bits.LeadingZeros64(x)))
	}
	own := l.data(n)
	for i := uint32(8); i<<3 < limit; i++ {
		if x := own[i] ^ data[i]; x != 0 {
			return min(limit, i<<3+uint32(bits.LeadingZeros8(x)))
		}
	}
	return limit
}

func bit(data []byte, i uint32) int { return int(data[i>>3]>>(7-i&7)) & 1 }

// find gives the slot of the longest prefix in the trie that key's begins with.
func (l *lpm) find(key []byte) int {
	prefix, data := binary.LittleEndian.Uint32(key), key[4:]
	if prefix > l.bits {
		return -1
	}
	head, found := head(data), int32(-1)
	for n := l.root; n >= 0; {
		node := &l.nodes[n]
		if node.prefix > prefix || l.common(n, head, data, node.prefix) < node.prefix {
			break
		}
		if node.slot >= 0 {
			found = node.slot
		}
		if node.prefix == l.bits {
			break
		}
		n = node.child[bit(data, node.prefix)]
	}
	return int(found)
}

// lpmPath is where a walk down the trie ended.
type lpmPath struct {
	node         int32  // at which it ended, or -1: nothing is there
	parent       int32  // of node, or -1
	above        int32  // parent's parent, or -1
	side, turned int    // the child of parent that node is, and of above that parent is
	match        uint32 // bits that node and the key have in common
}

// walk goes down to the node with key's prefix, or to where it would be.
func (l *lpm) walk(key []byte) lpmPath {
	prefix, data := binary.LittleEndian.Uint32(key), key[4:]
	head := head(data)
	p := lpmPath{node: l.root, parent: -1, above: -1}
	for p.node >= 0 {
		node := &l.nodes[p.node]
		p.match = l.common(p.node, head, data, min(node.prefix, prefix))
		if p.match != node.prefix || node.prefix == prefix {
			break
		}
		p.above, p.turned = p.parent, p.side
		p.parent, p.side = p.node, bit(data, node.prefix)
		p.node = node.child[p.side]
	}
	return p
}

// exact gives the node that the walk ended at when it has key's prefix, else -1.
func (l *lpm) exact(p lpmPath, key []byte) int32 {
	prefix := binary.LittleEndian.Uint32(key)
	if p.node < 0 || l.nodes[p.node].prefix != prefix || p.match != prefix {
		return -1
	}
	return p.node
}

func (l *lpm) claim(key, _ []byte, flags uint64, _ int) (int, bool, error) {
	if flags > linux.Exist || binary.LittleEndian.Uint32(key) > l.bits {
		return 0, false, linux.EINVAL
	}
	path := l.walk(key)
	n := l.exact(path, key)
	exists := n >= 0 && l.nodes[n].slot >= 0
	if err := presence(exists, flags); err != nil {
		return 0, false, err
	}
	if !exists && l.count >= l.max {
		return 0, false, linux.ENOSPC
	}
	slot := l.pool.take()
	switch {
	case slot < 0:
		return 0, false, linux.ENOMEM
	case exists:
		l.pool.give(int(l.nodes[n].slot))
	case n < 0:
		n = l.insert(path, key)
		l.count++
	default:
		l.count++
	}
	l.nodes[n].slot, l.nodes[n].head = int32(slot), head(key[4:])
	copy(l.keys[int(n)*l.keySize:], key)
	return slot, true, nil
}

// insert adds a node with key's prefix where the walk ended.
func (l *lpm) insert(path lpmPath, key []byte) int32 {
	prefix := binary.LittleEndian.Uint32(key)
	n := l.newNode(prefix, key)
	switch {
	case path.node < 0:
		l.setChild(path.parent, path.side, n)
	case path.match == prefix: // comes above what is there
		l.nodes[n].child[bit(l.data(path.node), prefix)] = path.node
		l.setChild(path.parent, path.side, n)
	default: // they part behind what they have in common
		join := l.newNode(path.match, l.keys[int(path.node)*l.keySize:][:l.keySize])
		side := bit(key[4:], path.match)
		l.nodes[join].child[side], l.nodes[join].child[1-side] = n, path.node
		l.setChild(path.parent, path.side, join)
	}
	return n
}

func (l *lpm) newNode(prefix uint32, key []byte) int32 {
	var n int32
	if i := len(l.free); i > 0 {
		n, l.free = l.free[i-1], l.free[:i-1]
		copy(l.keys[int(n)*l.keySize:], key)
	} else {
		n = int32(len(l.nodes))
		l.nodes = append(l.nodes, lpmNode{})
		l.keys = append(l.keys, key...)
	}
	binary.LittleEndian.PutUint32(l.keys[int(n)*l.keySize:], prefix)
	l.nodes[n] = lpmNode{head(key[4:]), [2]int32{-1, -1}, prefix, -1}
	return n
}

func (l *lpm) setChild(parent int32, side int, n int32) {
	if parent < 0 {
		l.root = n
	} else {
		l.nodes[parent].child[side] = n
	}
}

func (l *lpm) remove(key []byte) error {
	if binary.LittleEndian.Uint32(key) > l.bits {
		return linux.EINVAL
	}
	path := l.walk(key)
	n := l.exact(path, key)
	if n < 0 || l.nodes[n].slot < 0 {
		return linux.ENOENT
	}
	node := &l.nodes[n]
	l.pool.give(int(node.slot))
	node.slot = -1
	l.count--
	switch {
	case node.child[0] >= 0 && node.child[1] >= 0: // goes on joining them
		return nil
	case node.child[0] < 0 && node.child[1] < 0 && path.parent >= 0 && l.nodes[path.parent].slot < 0:
		// Its parent has nothing to join any more.
		l.setChild(path.above, path.turned, l.nodes[path.parent].child[1-path.side])
		l.free = append(l.free, path.parent)
	default:
		l.setChild(path.parent, path.side, max(node.child[0], node.child[1]))
	}
	l.free = append(l.free, n)
	return nil
}

func (l *lpm) position(key []byte) int {
	if binary.LittleEndian.Uint32(key) > l.bits {
		return -1
	}
	if n := l.exact(l.walk(key), key); n >= 0 && l.nodes[n].slot >= 0 {
		return int(n)
	}
	return -1
}

// at goes on behind node position-1, or begins.
func (l *lpm) at(position int, key []byte) (slot, next int) {
	n := l.first(l.root)
	if position > 0 {
		n = l.after(int32(position - 1))
	}
	if n < 0 {
		return -1, -1
	}
	copy(key, l.keys[int(n)*l.keySize:][:l.keySize])
	return int(l.nodes[n].slot), int(n) + 1
}

// first gives the node below n that comes first, which has no children.
func (l *lpm) first(n int32) int32 {
	for n >= 0 {
		node := &l.nodes[n]
		next := node.child[0]
		if next < 0 {
			next = node.child[1]
		}
		if next < 0 {
			break
		}
		n = next
	}
	return n
}

// after gives the node with a value that follows node n, or -1.
func (l *lpm) after(n int32) int32 {
	prefix, data := l.nodes[n].prefix, l.data(n)
	follows := int32(-1)
	for a := l.root; a >= 0 && a != n && l.nodes[a].prefix < prefix; {
		node := &l.nodes[a]
		side := bit(data, node.prefix)
		switch {
		case side == 0 && node.child[1] >= 0:
			follows = l.first(node.child[1])
		case node.slot >= 0:
			follows = a
		}
		a = node.child[side]
	}
	return follows
}

func (l *lpm) length() int { return l.count }
