package adapter

// Layout of the file in [Options].Slots with which the processes of an Accept=yes unit enforce
// [Options].Concurrency. Each slot and each place in the queue is a lock on a byte, which the kernel
// drops when its process ends (open file description locks, fcntl(2)).
const (
	// SlotsFile is the name of the file.
	SlotsFile = "slots"
	// FirstSlot is the byte of the first of Concurrency slots.
	FirstSlot = 1
	// FirstTicket is the byte of the first of Tickets places in the queue. Tickets are drawn
	// in the order of arrival; the file itself holds the number of the next.
	FirstTicket = 1 << 32
	Tickets     = 1 << 40
)
