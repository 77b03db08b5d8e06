package config

import (
	"slices"
	"strings"
)

// MongoCollection tells where the platform keeps the records of a dataset.
type MongoCollection struct {
	Dataset     string   // cadastros, vendas, ingressos or financeiro
	Collection  string   // name of the collection
	ClientField string   // field of a document that holds its client's id
	Fields      []string // what is sent; each with "-" before it: what is not; none: everything
}

// String is the form in which it is given: vendas=orders:project_id:-__v.
func (c MongoCollection) String() string {
	text := c.Dataset + "=" + c.Collection + ":" + c.ClientField
	if len(c.Fields) > 0 {
		text += ":" + strings.Join(c.Fields, " ")
	}
	return text
}

func parseMongoCollection(text string) (MongoCollection, error) {
	dataset, rest, ok := strings.Cut(text, "=")
	collection, rest, ok2 := strings.Cut(rest, ":")
	client, fields, _ := strings.Cut(rest, ":")
	c := MongoCollection{
		Dataset: strings.TrimSpace(dataset), Collection: strings.TrimSpace(collection),
		ClientField: strings.TrimSpace(client), Fields: strings.Fields(fields),
	}
	if !ok || !ok2 || c.Collection == "" || c.ClientField == "" {
		return c, fault("has %q, which is not DATASET=COLLECTION:CLIENT_FIELD", text)
	}
	return c, nil
}

func checkMongoCollections(list []MongoCollection) error {
	seen := map[string]bool{}
	for _, c := range list {
		switch {
		case !slices.Contains([]string{"cadastros", "vendas", "ingressos", "financeiro"}, c.Dataset):
			return fault("has the dataset %q, which is not known here", c.Dataset)
		case seen[c.Dataset]:
			return fault("has the dataset %s twice", c.Dataset)
		case strings.HasPrefix(c.ClientField, "$"):
			return fault("has the field %s, which begins with a $", c.ClientField)
		}
		seen[c.Dataset] = true
		if err := checkFields(c.Fields); err != nil {
			return err
		}
	}
	return nil
}

// checkFields wants names to send or names to leave out: MongoDB does not take
// both together.
func checkFields(fields []string) error {
	for _, f := range fields {
		name := strings.TrimPrefix(f, "-")
		if name == "" || strings.HasPrefix(name, "$") {
			return fault("has the field %q, which is no name", f)
		}
		if strings.HasPrefix(f, "-") != strings.HasPrefix(fields[0], "-") {
			return fault("has fields to send beside fields to leave out: %s", strings.Join(fields, " "))
		}
	}
	return nil
}

// checkMongo finds out whether the three settings of MongoDB go together.
func (l *layers) checkMongo(c *Config, wrong map[string]bool) {
	if len(c.MongoCollections) == 0 || wrong["mongo_collections"] {
		return
	}
	where := c.origins["mongo_collections"].place
	if c.MongoURL == "" && !wrong["mongo_url"] {
		l.problem(where, "names collections, but %sMONGO_URL does not say on which server", Prefix)
	}
	if c.MongoDatabase == "" {
		l.problem(where, "names collections, but %sMONGO_DATABASE does not say in which database", Prefix)
	}
}
