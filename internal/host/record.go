package host

import (
	"encoding/json"
	"reflect"
	"strings"
)

// What a Record does not know of an instance.json, of another tool or of a later
// version of this one, means nothing here and is kept when the file is written
// anew. A fork does not take it over.

// plainRecord is a Record without its methods.
type plainRecord Record

func (r *Record) UnmarshalJSON(text []byte) error {
	if err := json.Unmarshal(text, (*plainRecord)(r)); err != nil {
		return err
	}
	others := map[string]json.RawMessage{}
	if err := json.Unmarshal(text, &others); err != nil {
		return err
	}
	for _, field := range reflect.VisibleFields(reflect.TypeFor[plainRecord]()) {
		key, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		delete(others, key)
	}
	r.others = others
	return nil
}

func (r Record) MarshalJSON() ([]byte, error) {
	known, err := json.Marshal(plainRecord(r))
	if err != nil || len(r.others) == 0 {
		return known, err
	}
	others, err := json.Marshal(r.others)
	if err != nil {
		return nil, err
	}
	return append(append(known[:len(known)-1], ','), others[1:]...), nil
}
