package main

type publishCommand struct{}
