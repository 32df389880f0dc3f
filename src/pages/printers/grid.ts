// The list of tiles: only those on the screen exist, so that ten thousand printers cost as much as thirty.
import { layoutOf } from './layout.ts'
import type { Row } from './source.ts'
import { Tile, type TileActions } from './tile.ts'

/** Milliseconds between two pictures of the same camera. */
const PICTURE_INTERVAL = 3000

/** What the grid calls. */
export interface GridActions extends TileActions {
  /** The rows that exist in the document. */
  readonly visible: (ids: readonly string[]) => void
  readonly picture: (id: string) => Promise<Blob | null>
}

export class Grid {
  readonly #root: HTMLElement
  readonly #actions: GridActions
  readonly #tiles = new Map<string, Tile>()
  #rows: readonly Row[] = []
  #withPictures = false
  #isPlanned = false
  #visible = ''

  constructor(root: HTMLElement, actions: GridActions) {
    this.#root = root
    this.#actions = actions
    addEventListener('scroll', () => this.#plan(), { passive: true })
    addEventListener('resize', () => this.#plan())
    document.addEventListener('visibilitychange', () => this.#plan())
    setInterval(() => void this.#refreshPictures(), PICTURE_INTERVAL)
  }

  show(rows: readonly Row[], withPictures: boolean): void {
    this.#rows = rows
    this.#withPictures = withPictures
    this.#root.classList.toggle('with-pictures', withPictures)
    this.#plan()
  }

  /** Draws once before the next frame, however much has changed. */
  #plan(): void {
    if (this.#isPlanned) return
    this.#isPlanned = true
    requestAnimationFrame(() => {
      this.#isPlanned = false
      this.#draw()
    })
  }

  #draw(): void {
    const box = this.#root.getBoundingClientRect()
    const layout = layoutOf({
      width: box.width,
      above: -box.top,
      screenHeight: innerHeight,
      count: this.#rows.length,
      withPictures: this.#withPictures,
    })
    this.#root.style.height = `${layout.height}px`
    const shown = this.#rows.slice(layout.first, layout.end)
    this.#removeAllBut(new Set(shown.map(({ id }) => id)))
    const isNew = shown.filter((row, offset) => {
      const index = layout.first + offset
      const known = this.#tiles.get(row.id)
      const tile = known ?? new Tile(this.#actions)
      tile.show(row, index, this.#rows.length)
      const { left, top } = layout.place(index)
      tile.move(left, top, layout.tileWidth, layout.tileHeight)
      if (known === undefined) this.#tiles.set(row.id, tile)
      return known === undefined
    })
    if (isNew.length > 0) this.#insert(shown)
    this.#report(shown, isNew)
  }

  #removeAllBut(ids: ReadonlySet<string>): void {
    for (const [id, tile] of this.#tiles) {
      if (ids.has(id)) continue
      tile.remove()
      this.#tiles.delete(id)
    }
  }

  /** In the order of the list, for the keyboard and for screen readers; a tile with the focus stays where it is. */
  #insert(shown: readonly Row[]): void {
    let next: Element | null = this.#root.firstElementChild
    for (const { id } of shown) {
      const root = this.#tiles.get(id)?.root
      if (root === undefined) continue
      if (next === root) next = root.nextElementSibling
      else this.#root.insertBefore(root, next)
    }
  }

  #report(shown: readonly Row[], isNew: readonly Row[]): void {
    const ids = shown.map(({ id }) => id)
    const text = ids.join('\n')
    if (text === this.#visible) return
    this.#visible = text
    this.#actions.visible(ids)
    for (const row of isNew) if (row.camera) void this.#refreshPicture(row.id)
  }

  async #refreshPictures(): Promise<void> {
    if (document.hidden) return
    const ids = this.#rows.filter(({ id, camera }) => camera && this.#tiles.has(id)).map(({ id }) => id)
    await Promise.all(ids.map(id => this.#refreshPicture(id)))
  }

  async #refreshPicture(id: string): Promise<void> {
    const picture = await this.#actions.picture(id).catch(() => null)
    this.#tiles.get(id)?.setPicture(picture)
  }
}
