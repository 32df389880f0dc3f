// A socket that receives messages to the service manager, as systemd has it.
import assert from 'node:assert/strict'
import koffi from 'koffi'

/** A unix socket for datagrams, at a path or (`@…`) in the abstract name space. */
export class NotifySocket implements Disposable {
  readonly #library = koffi.load(null)
  readonly #file: number

  constructor(path: string) {
    const open = this.#library.func('int socket(int domain, int type, int protocol)')
    const bind = this.#library.func('int bind(int file, const void *address, uint32_t length)')
    this.#file = open(1, 2 | 0o4000, 0)
    const name = Buffer.from(path.replace('@', '\0'))
    const address = Buffer.concat([Buffer.from(new Uint16Array([1]).buffer), name])
    assert.equal(bind(this.#file, address, address.length), 0)
  }

  /** The messages that have arrived. */
  received(): string[] {
    const recv = this.#library.func('long recv(int file, _Out_ void *data, size_t size, int flags)')
    const texts: string[] = []
    for (;;) {
      const data = Buffer.alloc(256)
      const length = recv(this.#file, data, data.length, 0)
      if (length < 0) return texts
      texts.push(data.toString('utf8', 0, length))
    }
  }

  [Symbol.dispose](): void {
    this.#library.func('int close(int file)')(this.#file)
  }
}
