package manual

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestDocComments checks that all that Go programs can use says what it is, fields and
// methods included: pkg.go.dev is the manual of the packages.
func TestDocComments(t *testing.T) {
	for _, dir := range []string{"activation", "scgi", "scgi/cgi", "scgi/internal/child", "scgi/internal/poll", "scgi/gateway", "scgi/scgihttp", "scgi/wsgi", "scgi/wsgi/internal/worker", "scgi/wsgi/pool", "units"} {
		paths, err := filepath.Glob("../../../" + dir + "/*.go")
		require.NoError(t, err)
		files, documented := token.NewFileSet(), false
		for _, path := range paths {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(files, path, nil, parser.ParseComments)
			require.NoError(t, err)
			documented = documented || file.Doc.Text() != ""
			for _, d := range file.Decls {
				for _, name := range undocumented(d) {
					t.Errorf("%s: %s has no comment", files.Position(name.Pos()), name)
				}
			}
		}
		assert.True(t, documented, "package %s has no comment", dir)
	}
}

// undocumented are the exported names that n declares without a word.
func undocumented(d ast.Decl) (names []*ast.Ident) {
	switch n := d.(type) {
	case *ast.FuncDecl:
		if n.Doc.Text() == "" && (n.Recv == nil || ast.IsExported(receiver(n))) {
			names = []*ast.Ident{n.Name}
		}
	case *ast.GenDecl:
		for _, spec := range n.Specs {
			switch s := spec.(type) {
			case *ast.TypeSpec:
				if n.Doc.Text()+s.Doc.Text() == "" {
					names = append(names, s.Name)
				}
				names = append(names, fields(s)...)
			case *ast.ValueSpec:
				if n.Doc.Text()+s.Doc.Text()+s.Comment.Text() == "" {
					names = append(names, s.Names...)
				}
			}
		}
	}
	exported := names[:0]
	for _, name := range names {
		if name.IsExported() {
			exported = append(exported, name)
		}
	}
	return exported
}

// fields are those of a struct without a comment; a struct on one line has it all in its
// own.
func fields(s *ast.TypeSpec) (names []*ast.Ident) {
	st, ok := s.Type.(*ast.StructType)
	if !ok || !s.Name.IsExported() || len(st.Fields.List) == 1 {
		return nil
	}
	for _, f := range st.Fields.List {
		if f.Doc.Text()+f.Comment.Text() == "" {
			names = append(names, f.Names...)
		}
	}
	return names
}

// receiver is the name of a method's type.
func receiver(f *ast.FuncDecl) string {
	typ := f.Recv.List[0].Type
	if star, ok := typ.(*ast.StarExpr); ok {
		typ = star.X
	}
	if name, ok := typ.(*ast.Ident); ok {
		return name.Name
	}
	return ""
}
