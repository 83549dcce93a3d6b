/** A list whose pages are read as they are needed: await it for its first page, or iterate over all of its items. */
export class Pages<Page extends { nextCursor: string | null }, Item> implements AsyncIterable<Item>, PromiseLike<Page> {
  readonly #read: (cursor: string | undefined) => Promise<Page>;
  readonly #items: (page: Page) => readonly Item[];

  constructor(read: (cursor: string | undefined) => Promise<Page>, items: (page: Page) => readonly Item[]) {
    this.#read = read;
    this.#items = items;
  }

  then<A = Page, B = never>(done?: ((page: Page) => A | PromiseLike<A>) | null, failed?: ((reason: unknown) => B | PromiseLike<B>) | null): Promise<A | B> {
    return this.#read(undefined).then(done, failed);
  }

  /** pages iterates over whole pages. */
  async *pages(): AsyncGenerator<Page, void> {
    let cursor: string | undefined;
    do {
      const page = await this.#read(cursor);
      yield page;
      if (page.nextCursor === cursor) {
        return; // a list that leads to itself would never end
      }
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Item, void> {
    for await (const page of this.pages()) {
      yield* this.#items(page);
    }
  }
}
