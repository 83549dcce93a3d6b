package main

import (
	"bytes"
	"debug/buildinfo"
	"encoding/json"
	"net/url"
	"strings"
	"time"
)

// bom is a list of what a program is made of, in the format CycloneDX 1.6.
type bom struct {
	Schema     string      `json:"$schema"`
	Format     string      `json:"bomFormat"`
	Spec       string      `json:"specVersion"`
	Version    int         `json:"version"`
	Metadata   metadata    `json:"metadata"`
	Components []component `json:"components"`
}

type metadata struct {
	Timestamp string    `json:"timestamp"`
	Component component `json:"component"`
}

type component struct {
	Type       string     `json:"type"`
	Ref        string     `json:"bom-ref"`
	Name       string     `json:"name"`
	Version    string     `json:"version"`
	URL        string     `json:"purl"`
	Properties []property `json:"properties,omitempty"`
}

type property struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// materials lists what a program is made of, as the toolchain wrote it into it: what `go version -m` prints.
func (r *release) materials(p program) error {
	info, err := buildinfo.Read(bytes.NewReader(p.body))
	if err != nil {
		return err
	}
	main := library(info.Main.Path, r.version, "")
	main.Type = "application"
	b := bom{
		Schema: "http://cyclonedx.org/schema/bom-1.6.schema.json", Format: "CycloneDX", Spec: "1.6", Version: 1,
		Metadata:   metadata{Timestamp: r.date.Format(time.RFC3339), Component: main},
		Components: []component{library("std", strings.TrimPrefix(info.GoVersion, "go"), "")},
	}
	for _, d := range info.Deps {
		if d.Replace != nil {
			d = d.Replace
		}
		b.Components = append(b.Components, library(d.Path, d.Version, d.Sum))
	}
	text, err := json.MarshalIndent(b, "", "  ")
	if err != nil {
		return err
	}
	return r.write("curfew_"+r.version+"_"+p.os+"_"+p.arch+".cdx.json", append(text, '\n'))
}

// library is a module of Go. The sum is the toolchain's own, of the module's files.
func library(path, version, sum string) component {
	at := "pkg:golang/" + path + "@" + url.PathEscape(version)
	c := component{Type: "library", Ref: at, Name: path, Version: version, URL: at}
	if sum != "" {
		c.Properties = []property{{"go:sum", sum}}
	}
	return c
}
