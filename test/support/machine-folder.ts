// A machine made of files: what /proc, /sys, /dev, /etc and /usr would hold, below a temporary folder.
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { SystemFiles } from '../../src/core/system-files.ts'

type Texts = Readonly<Record<string, string>>

/** Every place is absolute on that machine. */
export class MachineFolder implements Disposable {
  readonly root = mkdtempSync(path.join(tmpdir(), 'machine-'))
  readonly files = new SystemFiles(this.root)

  constructor(content: Texts = {}) {
    for (const [place, text] of Object.entries(content)) this.write(place, text)
  }

  folder(place: string): void {
    mkdirSync(this.root + place, { recursive: true })
  }

  write(place: string, text: string | Buffer): void {
    this.folder(path.dirname(place))
    writeFileSync(this.root + place, text)
    if (place.includes('/bin/')) chmodSync(this.root + place, 0o755)
  }

  /** A program of that machine: a script. */
  program(place: string, script: string, interpreter = '#!/bin/sh'): void {
    this.write(place, `${interpreter}\n${script}\n`)
    chmodSync(this.root + place, 0o755)
  }

  /** A link with exactly this target. */
  link(place: string, target: string): void {
    this.folder(path.dirname(place))
    symlinkSync(target, this.root + place)
  }

  /** A relative link from `place` to `target`, both absolute on that machine, as sysfs has them. */
  sysLink(place: string, target: string): void {
    this.link(place, path.relative(path.dirname(place), target))
  }

  /** A device in sysfs with its attributes, and its driver as `bus/name`. */
  device(place: string, attributes: Texts, driver?: string): void {
    this.folder(place)
    for (const [name, text] of Object.entries(attributes)) this.write(`${place}/${name}`, `${text}\n`)
    if (driver === undefined) return
    const [bus = '', name = ''] = driver.split('/')
    this.folder(`/sys/bus/${bus}/drivers/${name}`)
    this.sysLink(`${place}/driver`, `/sys/bus/${bus}/drivers/${name}`)
  }

  /** A USB device, with its entry among all of them. */
  usb(place: string, attributes: Texts): void {
    const usual = { bDeviceClass: '00', bDeviceSubClass: '00', bDeviceProtocol: '00' }
    this.device(place, { ...usual, ...attributes }, 'usb/usb')
    this.sysLink(`/sys/bus/usb/devices/${path.basename(place)}`, place)
  }

  /** A node of `kind` (tty, video4linux, net) below the device at `parent`, with its entry in the class. */
  node(kind: string, name: string, parent: string, attributes: Texts): void {
    const place = `${parent}/${kind}/${name}`
    this.device(place, attributes)
    this.sysLink(`${place}/device`, parent)
    this.sysLink(`/sys/class/${kind}/${name}`, place)
    this.write(`/dev/${name}`, '')
  }

  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true, force: true })
  }
}
