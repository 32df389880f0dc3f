// The pictures that slicers put into G-code files.
import { apiBase } from '../shared/address.ts'
import { numberOf } from '../shared/format.ts'

interface Thumbnail {
  readonly width?: unknown
  readonly relative_path?: unknown
}

/** The address of a file of the gcodes root. */
export function fileUrl(path: string): string {
  return new URL(`server/files/gcodes/${path.split('/').map(encodeURIComponent).join('/')}`, apiBase()).href
}

/**
 * The address of the picture of a file: the smallest that is at least `width` pixels wide, else the widest; null without
 * one. `metadata` is that of the file.
 */
export function thumbnailOf(
  filename: string,
  metadata: Readonly<Record<string, unknown>> | null,
  width: number,
): string | null {
  const all = Array.isArray(metadata?.thumbnails) ? (metadata.thumbnails as Thumbnail[]) : []
  const sized = all
    .flatMap(({ width: own, relative_path: path }) =>
      typeof path === 'string' ? [{ width: numberOf(own) ?? 0, path }] : [],
    )
    .sort((a, b) => a.width - b.width)
  const found = sized.find(thumbnail => thumbnail.width >= width) ?? sized.at(-1)
  if (found === undefined) return null
  const folder = filename.slice(0, filename.lastIndexOf('/') + 1)
  const modified = numberOf(metadata?.modified) ?? 0
  return `${fileUrl(folder + found.path)}?timestamp=${modified}`
}

/** Shows a picture; hides the element without one, and if it cannot be loaded. */
export function showThumbnail(image: HTMLImageElement, url: string | null): void {
  if (image.getAttribute('src') === url) return
  image.hidden = true
  if (url === null) {
    image.removeAttribute('src')
    return
  }
  image.onload = () => {
    image.hidden = false
  }
  image.src = url
}
