// The content of a Debian package, and how dpkg-deb makes a file of it: the same content gives the same bytes.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  copyFileSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join, relative } from 'node:path'
import { gzipSync } from 'node:zlib'

/** From so many on, xz takes minutes. */
const LONG_MEGABYTES = 50

/** What a package is built with, together with its files. */
export interface PackageSpec {
  /** The fields of its control file; `Description` has its further lines indented by a blank. */
  readonly fields: Readonly<Record<'Package' | 'Version' | 'Architecture' | 'Description', string>> &
    Readonly<Record<string, string>>
  /** The scripts of its installation, by name. */
  readonly scripts?: Readonly<Record<string, string>>
  /** Its file triggers, as deb-triggers(5) describes them; empty for none. */
  readonly triggers?: string
  /** The folder for the file. */
  readonly output: string
  /** The time of every file, in seconds since the epoch. */
  readonly time: number
  /** As dpkg-deb names it: `xz`, `none`. */
  readonly compression: string
}

/** Paths are those on the machine where the package is installed, without the first slash. */
export class PackageTree implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'deb-'))

  /** The path of a file while the package is built. */
  at(path: string): string {
    return join(this.#folder, path)
  }

  write(path: string, content: string | Buffer, mode = 0o644): void {
    const file = this.#prepare(path)
    writeFileSync(file, content)
    chmodSync(file, mode)
  }

  /** Writes a document, compressed as Debian has documents. */
  compress(path: string, text: string): void {
    this.write(`${path}.gz`, gzipSync(text, { level: 9 }))
  }

  /** Copies a file. */
  copy(path: string, source: string, mode = 0o644): void {
    const file = this.#prepare(path)
    copyFileSync(source, file)
    chmodSync(file, mode)
  }

  /** Copies a folder, without the entries whose paths in it `isPart` rejects. */
  copyFolder(path: string, source: string, isPart: (path: string) => boolean = () => true): void {
    for (const entry of filesIn(source)) if (isPart(entry)) this.copy(join(path, entry), join(source, entry))
  }

  addFolder(path: string): void {
    mkdirSync(this.at(path), { recursive: true })
  }

  #prepare(path: string): string {
    mkdirSync(dirname(this.at(path)), { recursive: true })
    return this.at(path)
  }

  /** Writes the file of the package. Returns its path. Throws Error if dpkg-deb fails. */
  build({ fields, scripts = {}, triggers = '', output, time, compression }: PackageSpec): string {
    const files = filesIn(this.#folder)
    const kibibytes = files.map(path => Math.ceil(statSync(this.at(path)).size / 1024))
    const { Description, ...others } = fields
    const size = kibibytes.reduce((sum, each) => sum + each, 0)
    const control = Object.entries({ ...others, 'Installed-Size': size, Description })
    this.write('DEBIAN/control', control.map(([name, value]) => `${name}: ${value}\n`).join(''))
    this.write('DEBIAN/md5sums', files.map(path => `${this.#md5(path)}  ${path}\n`).join(''))
    for (const [name, text] of Object.entries(scripts)) this.write(join('DEBIAN', name), text, 0o755)
    if (triggers !== '') this.write('DEBIAN/triggers', triggers)
    this.#settle(time)
    mkdirSync(output, { recursive: true })
    const file = join(output, `${fields.Package}_${fields.Version}_${fields.Architecture}.deb`)
    // It gets its name when it is whole: an interrupted build leaves no broken package.
    const unfinished = `${file}.part`
    const megabytes = Math.ceil(size / 1024)
    const duration = compression === 'xz' && megabytes > LONG_MEGABYTES ? ', which takes some minutes' : ''
    console.log(`packing ${megabytes} MB as ${basename(file)}, compression ${compression}${duration}`)
    const args = ['--root-owner-group', `-Z${compression}`, '--build', this.#folder, unfinished]
    execFileSync('dpkg-deb', args, { env: { ...process.env, SOURCE_DATE_EPOCH: String(time) } })
    renameSync(unfinished, file)
    return file
  }

  #md5(path: string): string {
    return createHash('md5')
      .update(readFileSync(this.at(path)))
      .digest('hex')
  }

  /** Gives folders the same permissions whatever the umask, and everything the same time. */
  #settle(time: number): void {
    const entries = readdirSync(this.#folder, { withFileTypes: true, recursive: true })
    for (const entry of entries) {
      const path = join(entry.parentPath, entry.name)
      if (entry.isDirectory()) chmodSync(path, 0o755)
      lutimesSync(path, time, time)
    }
    chmodSync(this.#folder, 0o755)
    lutimesSync(this.#folder, time, time)
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** The paths of all files in a folder, relative to it and sorted. */
function filesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter(entry => !entry.isDirectory())
    .map(entry => relative(folder, join(entry.parentPath, entry.name)))
    .sort()
}
