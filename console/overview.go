package console

func (c *console) showOverview(v *visit) error {
	return v.show("overview", nil)
}
