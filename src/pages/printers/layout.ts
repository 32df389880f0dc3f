// Which tiles of a long list are on the screen, and where. Only these exist in the document.

/** Pixels. */
const GAP = 12
const MIN_WIDTH = 272
/** A tile without its picture. */
const TEXT_HEIGHT = 148
/** Rows above and below the screen that are there already when a person scrolls. */
const MARGIN_ROWS = 1

/** What the layout depends on; lengths in pixels. */
export interface View {
  /** Of the list. */
  readonly width: number
  /** The part of the list that is above the screen; negative below. */
  readonly above: number
  readonly screenHeight: number
  readonly count: number
  readonly withPictures: boolean
}

/** Where tiles are; `first` and `end` are the indices of those that exist. */
export interface Layout {
  readonly tileWidth: number
  readonly tileHeight: number
  /** Of the whole list. */
  readonly height: number
  readonly first: number
  readonly end: number
  place(index: number): { readonly left: number; readonly top: number }
}

/** Computes the layout of a view. */
export function layoutOf({ width, above, screenHeight, count, withPictures }: View): Layout {
  const columns = Math.max(1, Math.floor((width + GAP) / (MIN_WIDTH + GAP)))
  const tileWidth = Math.floor((width - GAP * (columns - 1)) / columns)
  const tileHeight = TEXT_HEIGHT + (withPictures ? Math.round((tileWidth * 9) / 16) : 0)
  const step = tileHeight + GAP
  const rows = Math.ceil(count / columns)
  const firstRow = Math.max(0, Math.floor(above / step) - MARGIN_ROWS)
  const endRow = Math.min(rows, Math.ceil((above + screenHeight) / step) + MARGIN_ROWS)
  return {
    tileWidth,
    tileHeight,
    height: Math.max(0, rows * step - GAP),
    first: Math.min(count, firstRow * columns),
    end: Math.min(count, Math.max(firstRow, endRow) * columns),
    place: index => ({
      left: (index % columns) * (tileWidth + GAP),
      top: Math.floor(index / columns) * step,
    }),
  }
}
