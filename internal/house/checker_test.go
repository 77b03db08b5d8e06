package house_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// house is what the rules look at.
type house struct {
	files []file
}

// file is a Go file of the main module.
type file struct {
	path    string // from the root, with slashes
	syntax  *ast.File
	imports []string
	lines   int
}

func (f file) dir() string     { return path.Dir(f.path) }
func (f file) isTest() bool    { return strings.HasSuffix(f.path, "_test.go") }
func (f file) generated() bool { return ast.IsGenerated(f.syntax) }

// read parses every Go file of the main module. It does not ask the go
// command: the rules hold for files that do not build here, too.
func read(root fs.FS) (*house, error) {
	h := &house{}
	err := fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir():
			return skip(root, name)
		case path.Ext(name) != ".go":
			return nil
		}
		text, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		f, err := parse(name, text)
		h.files = append(h.files, f)
		return err
	})
	return h, err
}

// skip leaves out what is not of the main module.
func skip(root fs.FS, dir string) error {
	base := path.Base(dir)
	if dir == "." {
		return nil
	}
	if base == "testdata" || strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") {
		return fs.SkipDir
	}
	if _, err := fs.Stat(root, path.Join(dir, "go.mod")); err == nil {
		return fs.SkipDir
	}
	return nil
}

func parse(name string, text []byte) (file, error) {
	syntax, err := parser.ParseFile(token.NewFileSet(), name, text, parser.SkipObjectResolution|parser.ParseComments)
	if err != nil {
		return file{}, err
	}
	f := file{path: name, syntax: syntax, lines: bytes.Count(text, []byte("\n"))}
	for _, spec := range syntax.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return file{}, err
		}
		f.imports = append(f.imports, imported)
	}
	return f, nil
}

// row is the row of the table that a folder belongs to: its own, or that of
// the nearest folder above.
func row(rows []folder, dir string) (folder, bool) {
	for ; dir != "."; dir = path.Dir(dir) {
		if i := slices.IndexFunc(rows, func(f folder) bool { return f.path == dir }); i >= 0 {
			return rows[i], true
		}
	}
	return folder{}, false
}

// importFaults tells which files import what they may not.
func (h *house) importFaults() []string {
	var faults []string
	rows := table()
	for _, f := range h.files {
		from, ok := row(rows, f.dir())
		if !ok {
			faults = append(faults, fmt.Sprintf("%s: the folder has no row in the table of floors: every package has one purpose and one floor", f.path))
			continue
		}
		for _, imported := range f.imports {
			if !allowed(rows, f, from, imported) {
				faults = append(faults, fmt.Sprintf("%s imports %s: %s", f.path, imported, from.why))
			}
		}
	}
	return faults
}

// allowed tells whether a file may import a package.
func allowed(rows []folder, f file, from folder, imported string) bool {
	dir, ours := strings.CutPrefix(imported, module+"/")
	if !ours {
		return f.isTest() || from.parts == nil || standard(imported) || slices.ContainsFunc(from.parts, func(part string) bool {
			return imported == part || strings.HasPrefix(imported, part+"/")
		})
	}
	to, ok := row(rows, dir)
	switch {
	case !ok:
		return false
	case to.path == from.path:
		return true
	case to.path == "config" || to.path == "cmd/carteiro":
		return slices.Contains(from.may, to.path)
	case to.path == "internal" && from.internal:
		return true
	case f.isTest():
		return to.floor < from.floor || to.path == "internal"
	}
	return slices.Contains(from.may, to.path)
}

// standard tells whether a package is of the standard library: other modules
// have a dot in their first part.
func standard(imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	return !strings.Contains(first, ".")
}

// formFaults tells what is wrong with the form of files and packages, and
// which files are getting long.
func (h *house) formFaults() (faults, long []string) {
	docs := map[string]bool{}
	for _, f := range h.files {
		docs[f.dir()] = docs[f.dir()] || path.Base(f.path) == "doc.go" && f.syntax.Doc != nil
		if f.generated() {
			continue
		}
		switch {
		case f.lines > tooLongFile:
			faults = append(faults, fmt.Sprintf("%s has %d lines: a file holds one thing, in about %d lines", f.path, f.lines, longFile))
		case f.lines > longFile:
			long = append(long, fmt.Sprintf("%s has %d lines", f.path, f.lines))
		}
		if slices.Contains(emptyNames(), strings.TrimSuffix(f.syntax.Name.Name, "_test")) {
			faults = append(faults, fmt.Sprintf("%s: package %s says nothing about what is inside", f.path, f.syntax.Name.Name))
		}
		for _, decl := range f.syntax.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				faults = append(faults, f.path+" has a func init: what runs at start is written in cmd/carteiro, in order")
			}
		}
	}
	for dir, has := range docs {
		if !has {
			faults = append(faults, dir+" has no doc.go with a package comment: it says what the package is for, its door, and what it must not know")
		}
	}
	slices.Sort(faults)
	return faults, long
}
