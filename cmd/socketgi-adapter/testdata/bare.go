// The shortest program there is.
package main

func main() {}
