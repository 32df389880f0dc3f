// What a scan of a G-code file finds: the fields of server.files.metadata that come from the file itself.

/** What the slicer wrote about the print. Absent fields were not in the file. Lengths in mm, times in s, weights in g, °C. */
export interface SliceFields {
  layer_count?: number
  object_height?: number
  estimated_time?: number
  nozzle_diameter?: number
  layer_height?: number
  first_layer_height?: number
  first_layer_extr_temp?: number
  first_layer_bed_temp?: number
  chamber_temp?: number
  /** One name, or a JSON array in text if the print uses several filaments. */
  filament_name?: string
  /** One type, or a JSON array in text if the print uses several filaments. */
  filament_type?: string
  filament_colors?: string[]
  filament_change_count?: number
  extruder_colors?: string[]
  filament_temps?: number[]
  referenced_tools?: number[]
  mmu_print?: number
  filament_total?: number
  filament_weight_total?: number
  filament_weights?: number[]
  printer_vendor?: string
  printer_model?: string
  printer_variant?: string
  profile_version?: string
}

/** The program that made the file, "Unknown" and "?" if the file does not contain its name. */
export interface SlicerIdentity {
  slicer: string
  slicer_version: string
}

/** The metadata of one file, without thumbnails and without what the print history adds. */
export interface GcodeMetadata extends SlicerIdentity, SliceFields {
  /** Bytes. */
  size: number
  /** Seconds since 1970. */
  modified: number
  /** New at each scan. */
  uuid: string
  /** Programs that rewrote the file after the slicer, e.g. "preprocess_cancellation". */
  file_processors: string[]
  /** Offset of the first command, absent in a file without commands. */
  gcode_start_byte?: number
  /** Offset after the last command, absent in a file without commands. */
  gcode_end_byte?: number
}

/** Image formats that slicers embed; the last two are those of printers' displays. */
export type ImageFormat = 'png' | 'jpg' | 'qoi' | 'rgb565' | 'colpic'

/** An image as it is in the G-code; width and height are the declared ones, the data is not checked. */
export interface Thumbnail {
  width: number
  height: number
  format: ImageFormat
  data: Buffer
}

/** One element of the metadata's `thumbnails`. */
export interface ThumbnailEntry {
  width: number
  height: number
  /** Bytes of the image file. */
  size: number
  /** From the folder of the G-code file. */
  relative_path: string
}

/** What a scan returns. */
export interface ScanResult {
  metadata: GcodeMetadata
  /** In file order. */
  thumbnails: Thumbnail[]
  /** What was left out and why, for the log. */
  notes: string[]
}
