package main

type checkCommand struct{}
