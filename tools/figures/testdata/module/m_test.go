package m

func InATest() {}
