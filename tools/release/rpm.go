package main

import (
	"bytes"
	"strings"

	"github.com/google/rpmpack"
)

// rpmArch is an architecture as rpm names it.
var rpmArch = map[string]string{"amd64": "x86_64", "arm64": "aarch64"}

// rpm writes a package of RPM. It does what the package of Debian does.
func (r *release) rpm(p program) error {
	if p.os != "linux" {
		return nil
	}
	files, err := r.installed(p, "site-functions")
	if err != nil {
		return err
	}
	pack, err := rpmpack.NewRPM(rpmpack.RPMMetaData{
		Name: "curfew", Version: debVersion(r.version), Release: "1", Arch: rpmArch[p.arch], OS: "linux", Summary: summary, Description: description,
		URL: homepage, Licence: "Apache-2.0", Group: "System Environment/Daemons", Packager: maintainer, Vendor: "Curfew", BuildHost: "localhost",
		BuildTime: r.date, Compressor: "gzip:6",
	})
	if err != nil {
		return err
	}
	for _, f := range sorted(files) {
		kind := rpmpack.GenericFile
		switch {
		case strings.HasPrefix(f.name, "etc/"):
			kind = rpmpack.ConfigFile | rpmpack.NoReplaceFile
		case strings.HasPrefix(f.name, "usr/share/doc/"), strings.HasPrefix(f.name, "usr/share/man/"):
			kind = rpmpack.DocFile
		}
		pack.AddFile(rpmpack.RPMFile{Name: "/" + f.name, Body: f.body, Mode: uint(f.mode), Owner: "root", Group: "root", MTime: uint32(r.date.Unix()), Type: kind})
	}
	pack.AddPostin(script(postinst, "configure"))
	pack.AddPreun("[ \"$1\" = 0 ] || exit 0 # an upgrade\n" + script(prerm, "remove"))
	pack.AddPostun("[ \"$1\" = 0 ] || exit 0 # an upgrade\n" + script(postrm, "purge"))
	var b bytes.Buffer
	if err := pack.Write(&b); err != nil {
		return err
	}
	return r.write("curfew-"+debVersion(r.version)+"-1."+rpmArch[p.arch]+".rpm", b.Bytes())
}

// script is a script of dpkg's for rpm, which gives it other arguments.
func script(text []byte, argument string) string {
	return "set -- " + argument + "\n" + strings.TrimPrefix(string(text), "#!/bin/sh\n")
}
