package delivery

// window holds the positions that a consumer has admitted, in order, from the watermark on. A position leaves when it
// and all before it are settled: over, or on disk.
type window struct {
	base  int64 // slot number of the first
	slots []windowSlot
	start int
}

type windowSlot struct {
	position int64
	delivery *delivery // nil: settled
}

// push adds a delivery and gives it its slot number.
func (w *window) push(d *delivery) {
	if w.start > 0 && w.start*2 >= len(w.slots) {
		w.slots = w.slots[:copy(w.slots, w.slots[w.start:])]
		w.start = 0
	}
	w.slots = append(w.slots, windowSlot{position: d.position, delivery: d})
	d.slot = w.base + int64(len(w.slots)-w.start) - 1
}

// settle marks a slot and moves the watermark over all that is settled. Settling twice does no harm.
func (w *window) settle(slot int64) {
	if slot < w.base {
		return
	}
	w.slots[w.start+int(slot-w.base)].delivery = nil
	for w.start < len(w.slots) && w.slots[w.start].delivery == nil {
		w.start++
		w.base++
	}
}

// low returns the first position that is not settled.
func (w *window) low() (position int64, ok bool) {
	if w.start == len(w.slots) {
		return 0, false
	}
	return w.slots[w.start].position, true
}

// unsettled lists the positions after one and up to another that are not settled.
func (w *window) unsettled(after, upTo int64) map[int64]bool {
	found := map[int64]bool{}
	for _, slot := range w.slots[w.start:] {
		if slot.delivery != nil && slot.position > after && slot.position <= upTo {
			found[slot.position] = true
		}
	}
	return found
}

// oldest returns the first delivery that is not settled; the window must not be empty.
func (w *window) oldest() *delivery { return w.slots[w.start].delivery }

func (w *window) full() bool { return len(w.slots)-w.start >= windowSize }

// fifo is a queue that reuses its memory.
type fifo[T any] struct {
	items []T
	start int
}

func (f *fifo[T]) len() int { return len(f.items) - f.start }

func (f *fifo[T]) push(item T) {
	if f.start > 0 && f.start*2 >= len(f.items) {
		n := copy(f.items, f.items[f.start:])
		clear(f.items[n:])
		f.items, f.start = f.items[:n], 0
	}
	f.items = append(f.items, item)
}

// pushFront puts an item before the others.
func (f *fifo[T]) pushFront(item T) {
	if f.start == 0 {
		f.items = append(f.items, item)
		copy(f.items[1:], f.items)
		f.items[0] = item
		return
	}
	f.start--
	f.items[f.start] = item
}

func (f *fifo[T]) all() []T { return f.items[f.start:] }

func (f *fifo[T]) peek() T { return f.items[f.start] }

func (f *fifo[T]) pop() T {
	var zero T
	item := f.items[f.start]
	f.items[f.start] = zero
	f.start++
	return item
}
