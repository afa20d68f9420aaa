package nginxconf

// Walk calls visit for every directive, outer ones first.
func Walk(list []*Directive, visit func(*Directive)) {
	stack := [][]*Directive{list}
	for len(stack) > 0 {
		last := len(stack) - 1
		if len(stack[last]) == 0 {
			stack = stack[:last]
			continue
		}
		d := stack[last][0]
		stack[last] = stack[last][1:]
		visit(d)
		if len(d.Block) > 0 {
			stack = append(stack, d.Block)
		}
	}
}

// In returns the innermost directive with that name around d.
func (d *Directive) In(name string) *Directive {
	for up := d.Up; up != nil; up = up.Up {
		if up.Name == name {
			return up
		}
	}
	return nil
}

// Here returns the directives with that name that are in effect in the block of d: those of the innermost
// level that has any. Lists, such as scgi_param, replace those of the outer levels; other directives occur
// once in a level.
func (d *Directive) Here(name string) (found []*Directive) {
	for up := d; up != nil; up = up.Up {
		for _, e := range up.Block {
			if e.Name == name {
				found = append(found, e)
			}
		}
		if found != nil {
			return found
		}
	}
	return nil
}

// Value returns the first argument of a directive that is in effect in the block of d, or nginx's default.
func (d *Directive) Value(name, otherwise string) string {
	if found := d.Here(name); len(found) > 0 {
		return found[len(found)-1].Arg(0)
	}
	return otherwise
}
