// Command release builds the program for the usual platforms and packs what it
// built: go run ./deploy/release makes dist/ out of the tag that is checked out.
//
// The same source, the same version and the same Go give the same bytes,
// whoever builds them and where: the archives are written here and not by the
// machine's tar and zip, names are sorted, times are the commit's. So whoever
// distrusts a release can make it again and compare SHA256SUMS.
package main
