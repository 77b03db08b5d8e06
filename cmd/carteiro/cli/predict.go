package cli

import (
	"context"
	"maps"
	"net/url"
	"slices"
	"time"

	"github.com/carteiro-webhooks/carteiro/cmd/carteiro/apiclient"
)

// Kinds are the values that Predict knows, as the tag "predictor" names them.
func Kinds() []string {
	kinds := slices.Collect(maps.Keys(fixedWords()))
	return append(append(kinds, "run"), slices.Collect(maps.Keys(predictedLists()))...)
}

// fixedWords are the kinds whose values never change.
func fixedWords() map[string][]string {
	return map[string][]string{
		"export":   {"cadastros", "vendas", "ingressos", "financeiro"},
		"language": {"en", "pt-BR"},
		"part":     {"database", "intake", "redis", "workers"},
	}
}

// predictedLists are the lists of the kinds that are asked of the server, and
// how many of each are proposed: of what comes by the thousand, the newest.
func predictedLists() map[string]predictedList {
	return map[string]predictedList{
		"client":       {"/v1/clients", predictMost},
		"subscription": {"/v1/subscriptions", predictMost},
		"event-type":   {"/v1/event-types", predictMost},
		"key":          {"/v1/api-keys", predictMost},
		"job":          {"/v1/jobs", predictNewest},
		"delivery":     {"/v1/deliveries", predictNewest},
		"event":        {"/v1/events", predictNewest},
		"verification": {"/v1/verifications", predictNewest},
	}
}

type predictedList struct {
	path string
	most int
}

// Bounds of a prediction: somebody waits with a finger on the tab key.
const (
	predictTime   = time.Second
	predictMost   = 200
	predictNewest = 20
)

// Predict asks the server for values that a flag or an argument may have. It
// proposes nothing when the server cannot say.
func (s *Session) Predict(kind string) []string {
	if words, ok := fixedWords()[kind]; ok {
		return words
	}
	ctx, cancel := context.WithTimeout(s, predictTime)
	defer cancel()
	defer s.Close()
	api, err := s.client()
	if err != nil {
		return nil
	}
	lists := []predictedList{predictedLists()[kind]}
	if kind == "run" {
		lists = nil
		for _, export := range fixedWords()["export"] {
			lists = append(lists, predictedList{exportPath(ID(export), "/runs"), predictNewest})
		}
	}
	var found []string
	for _, l := range lists {
		_, err = api.List(ctx, l.path, url.Values{}, l.most, func(p apiclient.Page) error {
			return eachOf(p.Data, func(v *struct{ ID, Slug string }) { found = append(found, v.ID+v.Slug) })
		})
		if err != nil {
			return nil
		}
	}
	return found
}
