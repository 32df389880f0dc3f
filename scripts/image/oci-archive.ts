// Writes a container image as an archive: the layout of the Open Container Initiative, with the manifest that older
// versions of Docker read. Equal content makes equal bytes.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  createReadStream,
  createWriteStream,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'

/** Files of a layer: those of a folder, with one owner (user and group id). */
interface Content {
  readonly folder: string
  readonly owner?: number
  /** The permissions of everything in it, as chmod(1) takes them; see MODE for the default. */
  readonly mode?: string
}

/** A layer of an image, with what it is for. */
export interface Layer {
  readonly comment: string
  readonly content: readonly Content[]
}

/** An image. */
export interface Image {
  /** The name with a tag, as `moonraker-ts:1.2.3`. */
  readonly name: string
  /** As in `docker image inspect`. */
  readonly architecture: string
  readonly config: Readonly<Record<string, unknown>>
  readonly layers: readonly Layer[]
  /** Seconds since 1970: the time of the image and of all its files. */
  readonly time: number
}

/** A file of the archive that others refer to. */
interface Blob {
  readonly digest: string
  readonly size: number
}

/** Everybody can read, the owner can write; programs stay programs. */
const MODE = 'u=rwX,go=rX'

/** Writes the image to `file`, with `work` as an empty folder for files meanwhile. Resolves to its digest. */
export async function writeImage(file: string, image: Image, work: string): Promise<string> {
  const blobs = join(work, 'blobs', 'sha256')
  mkdirSync(blobs, { recursive: true })
  const created = new Date(image.time * 1000).toISOString()
  const layers: Blob[] = []
  const diffIds: string[] = []
  for (const layer of image.layers) {
    const { diffId, ...blob } = await writeLayer(layer, image.time, blobs)
    layers.push(blob)
    diffIds.push(diffId)
  }
  const config = writeBlob(blobs, {
    created,
    architecture: image.architecture,
    os: 'linux',
    config: image.config,
    rootfs: { type: 'layers', diff_ids: diffIds },
    history: image.layers.map(({ comment }) => ({ created, comment })),
  })
  const type = (name: string) => `application/vnd.oci.image.${name}`
  const manifest = writeBlob(blobs, {
    schemaVersion: 2,
    mediaType: type('manifest.v1+json'),
    config: { mediaType: type('config.v1+json'), ...config },
    layers: layers.map(layer => ({ mediaType: type('layer.v1.tar+gzip'), ...layer })),
  })
  writeJson(join(work, 'oci-layout'), { imageLayoutVersion: '1.0.0' })
  const [, tag] = image.name.split(':')
  writeJson(join(work, 'index.json'), {
    schemaVersion: 2,
    mediaType: type('index.v1+json'),
    manifests: [
      {
        mediaType: type('manifest.v1+json'),
        ...manifest,
        platform: { architecture: image.architecture, os: 'linux' },
        annotations: {
          'org.opencontainers.image.ref.name': tag,
          'io.containerd.image.name': `docker.io/library/${image.name}`,
        },
      },
    ],
  })
  const pathOf = ({ digest }: Blob) => `blobs/${digest.replace(':', '/')}`
  writeJson(join(work, 'manifest.json'), [
    { Config: pathOf(config), RepoTags: [image.name], Layers: layers.map(pathOf) },
  ])
  tar(file, { folder: work }, image.time, '--create')
  return manifest.digest
}

async function writeLayer({ content }: Layer, time: number, blobs: string) {
  const plain = join(blobs, 'layer.tar')
  const zipped = join(blobs, 'layer.tar.gz')
  rmSync(plain, { force: true })
  for (const each of content) tar(plain, each, time, '--append')
  const [inner, outer] = [createHash('sha256'), createHash('sha256')]
  let size = 0
  await pipeline(
    createReadStream(plain),
    async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        inner.update(chunk)
        yield chunk
      }
    },
    createGzip(),
    async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        outer.update(chunk)
        size += chunk.length
        yield chunk
      }
    },
    createWriteStream(zipped),
  )
  rmSync(plain)
  const hash = outer.digest('hex')
  renameSync(zipped, join(blobs, hash))
  return { digest: `sha256:${hash}`, size, diffId: `sha256:${inner.digest('hex')}` }
}

function writeBlob(blobs: string, value: unknown): Blob {
  const text = JSON.stringify(value)
  const hash = createHash('sha256').update(text).digest('hex')
  writeFileSync(join(blobs, hash), text)
  return { digest: `sha256:${hash}`, size: Buffer.byteLength(text) }
}

function writeJson(path: string, value: unknown): void {
  writeFileSync(path, JSON.stringify(value))
}

/** Runs GNU tar on everything in a folder, in the order of the names. */
function tar(file: string, { folder, owner = 0, mode }: Content, time: number, action: string): void {
  execFileSync('tar', [
    action,
    `--file=${file}`,
    '--format=gnu',
    '--sort=name',
    `--mtime=@${time}`,
    `--owner=${owner}`,
    `--group=${owner}`,
    '--numeric-owner',
    `--mode=${mode ?? MODE}`,
    `--directory=${folder}`,
    ...readdirSync(folder).sort(),
  ])
}
