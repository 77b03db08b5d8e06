package dispatcher

// Draining is closed when a stop has begun.
func (d *Dispatcher) Draining() <-chan struct{} { return d.worker.drain }
