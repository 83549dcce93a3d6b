package main

import (
	_ "embed"
	"encoding/json"
	"strings"
)

//go:embed files/curfew.js
var launcher []byte

// npmNames are how Node.js names systems and architectures.
var npmNames = map[string]string{"windows": "win32", "amd64": "x64"}

func npmName(p program) (system, arch, name string) {
	named := func(s string) string {
		if n, ok := npmNames[s]; ok {
			return n
		}
		return s
	}
	system, arch = named(p.os), named(p.arch)
	return system, arch, "@curfew/" + system + "-" + arch
}

// npmManifest is a package.json, in the order that people write it.
type npmManifest struct {
	Name        string            `json:"name"`
	Version     string            `json:"version"`
	Description string            `json:"description"`
	License     string            `json:"license"`
	Homepage    string            `json:"homepage"`
	Repository  map[string]string `json:"repository"`
	OS          []string          `json:"os,omitempty"`
	CPU         []string          `json:"cpu,omitempty"`
	Bin         map[string]string `json:"bin,omitempty"`
	Engines     map[string]string `json:"engines,omitempty"`
	Optional    map[string]string `json:"optionalDependencies,omitempty"`
}

func (r *release) npmManifest(name, description string) npmManifest {
	return npmManifest{
		Name: name, Version: r.version, Description: description, License: "Apache-2.0", Homepage: homepage,
		Repository: map[string]string{"type": "git", "url": "git+" + homepage + ".git"},
	}
}

// npmBinary writes the package with the program of one platform. npm installs the one that fits.
func (r *release) npmBinary(p program) error {
	system, arch, name := npmName(p)
	m := r.npmManifest(name, "The program of curfew for "+system+" on "+arch)
	m.OS, m.CPU = []string{system}, []string{arch}
	return r.npmPackage(m, file{name: "bin/" + p.name(), mode: 0o755, body: p.body})
}

// npm writes the package that people install: it starts the program of their platform.
func (r *release) npm([]program) error {
	m := r.npmManifest("curfew", "The "+summary)
	m.Bin = map[string]string{"curfew": "bin/curfew.js"}
	m.Engines = map[string]string{"node": ">=18"}
	m.Optional = map[string]string{}
	for _, platform := range platforms {
		p := program{}
		p.os, p.arch, _ = strings.Cut(platform, "/")
		_, _, name := npmName(p)
		m.Optional[name] = r.version
	}
	return r.npmPackage(m, file{name: "bin/curfew.js", mode: 0o755, body: launcher}, file{name: "README.md", mode: 0o644, body: r.text("README.md")})
}

// npmPackage writes a package as npm pack does, but the same each time.
func (r *release) npmPackage(m npmManifest, files ...file) error {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	files = append(files, file{name: "package.json", mode: 0o644, body: append(text, '\n')}, file{name: "LICENSE", mode: 0o644, body: r.text("LICENSE")})
	for i := range files {
		files[i].name = "package/" + files[i].name
	}
	body, err := tarball(files, r.date)
	if err != nil {
		return err
	}
	base := strings.ReplaceAll(strings.TrimPrefix(m.Name, "@"), "/", "-")
	return r.write("npm/"+base+"-"+m.Version+".tgz", body)
}
