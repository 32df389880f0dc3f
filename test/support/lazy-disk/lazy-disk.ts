// A disk below one folder that writes late, loses its power, or is full, for programs that a test starts: lazy-disk.c is
// preloaded into them. A power cut leaves what a journaling file system such as ext4 or XFS may leave: names change in their
// order, and each sync makes all changes of names before it durable; content is durable after its own sync only.
import { execFileSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import {
  closeSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { exchangePaths } from '../../../src/components/update-manager/archive/exchange.ts'
import { absent } from '../program.ts'

/** Why there can be no such disk here; false where there can. */
export const withoutLazyDisk: string | false = process.platform === 'linux' ? absent('gcc') : 'Linux only'

/** Fields of the state that all programs share, 8 bytes each. */
const FIELDS = ['count', 'cutAt', 'fullAt', 'isCut', 'isFull'] as const
type Field = (typeof FIELDS)[number]

/** A line of the log: a letter, and paths or numbers. */
type Line = readonly [what: string, a: string, b: string, c: string]

/** Lines about names. */
const NAMES = /^[CRXUZ]$/
/** Lines after which all earlier changes of names are durable. */
const SYNCS = /^[SFA]$/

export class LazyDisk implements Disposable {
  readonly root: string
  readonly #folder = mkdtempSync(join(tmpdir(), 'lazy-disk-'))
  readonly #stash = join(this.#folder, 'stash')
  readonly #log = join(this.#folder, 'log')
  readonly #state: number
  /** The sizes that files had when everything was durable, by inode. */
  #durable = new Map<string, number>()

  /** `root` is the folder, without links in its path. */
  constructor(root: string) {
    this.root = root
    const source = join(import.meta.dirname, 'lazy-disk.c')
    execFileSync('gcc', ['-shared', '-fPIC', '-O1', '-o', join(this.#folder, 'lazy-disk.so'), source])
    writeFileSync(join(this.#folder, 'state'), Buffer.alloc(FIELDS.length * 8))
    this.#state = openSync(join(this.#folder, 'state'), 'r+')
    this.reset()
  }

  /** For the programs that use the disk. */
  get environment(): Readonly<Record<string, string>> {
    return {
      LD_PRELOAD: join(this.#folder, 'lazy-disk.so'),
      LAZY_DISK: this.#folder,
      LAZY_DISK_ROOT: this.root,
    }
  }

  /** The changes that programs have made since the last reset. */
  get changes(): number {
    return this.#read('count')
  }

  /** Whether the power is off. */
  get isCut(): boolean {
    return this.#read('isCut') !== 0
  }

  /** Whether a program has met the full disk. */
  get isFull(): boolean {
    return this.#read('isFull') !== 0
  }

  /** All that is there is durable now, the power is on, and there is space. */
  reset(): void {
    for (const field of FIELDS) this.#write(field, 0)
    rmSync(this.#stash, { recursive: true, force: true })
    mkdirSync(this.#stash)
    writeFileSync(this.#log, '')
    this.#durable = new Map(this.#files().map(({ inode, size }) => [inode, size]))
  }

  /** The power fails before the change after so many more; null for never. */
  cutAfter(changes: number | null): void {
    this.#write('cutAt', changes === null ? 0 : this.changes + 1 + changes)
  }

  /** The disk is full after so many more changes; null for never. */
  fullAfter(changes: number | null): void {
    this.#write('fullAt', changes === null ? 0 : this.changes + 1 + changes)
    this.#write('isFull', 0)
  }

  #read(field: Field): number {
    const bytes = Buffer.alloc(8)
    readSync(this.#state, bytes, 0, 8, FIELDS.indexOf(field) * 8)
    return Number(bytes.readBigInt64LE())
  }

  #write(field: Field, value: number): void {
    const bytes = Buffer.alloc(8)
    bytes.writeBigInt64LE(BigInt(value))
    writeSync(this.#state, bytes, 0, 8, FIELDS.indexOf(field) * 8)
  }

  /** Resolves when no program uses the disk any more; ends those that wait for something. */
  async #unused(): Promise<void> {
    const mark = `LAZY_DISK=${this.#folder}`
    for (let attempt = 0; ; attempt += 1) {
      const left = readdirSync('/proc').filter(id => {
        try {
          return /^\d+$/.test(id) && readFileSync(`/proc/${id}/environ`, 'latin1').split('\0').includes(mark)
        } catch {
          return false
        }
      })
      if (left.length === 0) return
      if (attempt > 50) for (const id of left) process.kill(Number(id), 'SIGKILL')
      await setTimeout(10)
    }
  }

  /** What the disk has after the power cut: loses a random part of what was not durable. */
  async loseUnsynced(): Promise<void> {
    await this.#unused()
    const lines = readFileSync(this.#log, 'utf8')
      .split('\x02')
      .slice(0, -1)
      .map(line => line.split('\x01') as unknown as Line)
    const lastSync = lines.findLastIndex(([what]) => SYNCS.test(what))
    const names = lines.slice(lastSync + 1).filter(([what]) => NAMES.test(what))
    const lost = oneOf([0, names.length, randomInt(names.length + 1)])
    for (const line of names.slice(names.length - lost).reverse()) await undo(line)
    this.#loseContent(lines)
    this.reset()
  }

  #loseContent(lines: readonly Line[]): void {
    const durable = new Map(this.#durable)
    const unsynced = new Set<string>()
    for (const [what, inode, size] of lines) {
      if (what === 'W' || what === 'T') unsynced.add(inode)
      if (what === 'T') durable.set(inode, Math.min(durable.get(inode) ?? 0, Number(size)))
      if (what === 'S') {
        unsynced.delete(inode)
        durable.set(inode, Number(size))
      }
      if (what === 'A') unsynced.clear()
    }
    for (const { path, inode, size } of this.#files()) {
      const kept = durable.get(inode) ?? 0
      if (!unsynced.has(inode) || size <= kept) continue
      oneOf([
        () => undefined,
        () => truncateSync(path, kept),
        () => truncateSync(path, kept + Math.floor((size - kept) / 2)),
        () => {
          truncateSync(path, kept)
          truncateSync(path, size)
        },
      ])()
    }
  }

  #files(): { readonly path: string; readonly inode: string; readonly size: number }[] {
    const entries = readdirSync(this.root, { recursive: true, withFileTypes: true })
    return entries
      .filter(entry => entry.isFile())
      .map(({ parentPath, name }) => {
        const path = join(parentPath, name)
        const { ino, size } = lstatSync(path)
        return { path, inode: String(ino), size }
      })
  }

  [Symbol.dispose](): void {
    closeSync(this.#state)
    rmSync(this.#folder, { recursive: true })
  }
}

function oneOf<T>(choices: readonly T[]): T {
  return choices[randomInt(choices.length)] as T
}

/** Takes a change of names back. */
async function undo([what, a, b, c]: Line): Promise<void> {
  if (what === 'C') rmSync(a, { recursive: true, force: true })
  else if (what === 'X') await exchangePaths(a, b)
  else if (what === 'U') renameSync(b, a)
  else if (what === 'Z') mkdirSync(a, { mode: Number.parseInt(b, 8) })
  else {
    renameSync(b, a)
    if (c !== '') renameSync(c, b)
  }
  if (what !== 'C' && lstatSync(a, { throwIfNoEntry: false }) === undefined)
    throw new Error(`${what} of ${a} cannot be taken back`)
}
