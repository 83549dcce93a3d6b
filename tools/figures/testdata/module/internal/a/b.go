package a

const b = A
