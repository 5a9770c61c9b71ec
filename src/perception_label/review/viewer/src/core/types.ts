// What travels between the server and the browser; the server's half is review/payloads.py.
export type Ns = string; // nanoseconds: too long for a JavaScript number

/** `lens` as in _core/lens.pyx, null for infinity; `world_from_camera` of each image, rows one after the other. */
export interface Camera {
  width_px: number; height_px: number; lens: (number | null)[]; image_timestamps_ns: Ns[]; world_from_camera: number[][] | null;
}

export interface ClassRule {
  size_m: number[]; least_m: number[]; most_m: number[]; max_speed_mps: number; geometry: string[];
}

export interface AttributeRule {per: 'track' | 'sweep'; type: string; values: string[]; classes: string[] | null}

export interface Scene {
  log_id: string; fingerprint: string; n_sweeps: number; timestamps_ns: Ns[]; n_points: number[];
  world_from_sensor: number[][] | null; ego_from_lidar: number[]; channels: string[]; cameras: Record<string, Camera>;
  ontology: {
    version: string; geometry: string[]; classes: Record<string, ClassRule>; attributes: Record<string, AttributeRule>;
  };
}

export interface Key {timestamp_ns: Ns; source: string; pose: number[]; size_m: number[] | null}

export interface Track {
  track_id: string; class_name: string; source: string; revision: number; score: number | null; size_m: number[] | null;
  sweeps: number[]; poses: number[]; expected_iou: (number | null)[]; sources: string[]; box_sources: number[];
  next_keyframe: number | null; is_static: boolean; is_finalised: boolean; verdict: string | null; verdict_reason: string;
  attributes: Record<string, unknown>; sweep_attributes: Record<string, Record<Ns, unknown>>; comments: string[];
  keys: Key[]; span_ns: Ns[] | null; static_ns: Ns[][]; outside_ns: Ns[][];
}

export interface Tracks {revision: number; tracks: Track[]; gone: string[]}

export interface Op {
  edit_id: string; kind: string; track_id: string; timestamp_ns: Ns | null; after: Record<string, unknown>;
  base_revision: number | null; active_s: number; client_time_ns: Ns;
}

export interface Result {
  edit_id: string; status: 'appended' | 'duplicate' | 'conflict' | 'invalid' | 'denied' | 'held';
  revision: number | null; error: string | null; warnings: string[];
}

export interface Change {
  revision: number; kind: string; track_id: string; other_id: string | null; author: string; source: string;
}

export interface QueueItem {
  item_id: string; kind: string; track_id: string; class_name: string; first_ns: Ns; last_ns: Ns; at_ns: Ns; sweep: number;
  center_m: number[]; size_m: number[]; yaw_rad: number; score: number; expected_error: number; stratum: string;
  reason: string; source: string; other_id: string; rank: number; camera: string;
}

export interface QueueAnswer {
  revision: number; n_items: number; items: QueueItem[]; notes: string[]; is_ready: boolean; is_stale: boolean;
}

/** An edit of the past. */
export interface Past {
  revision: number; edit_id: string; kind: string; track_id: string; author: string; source: string; server_time_ns: Ns;
  active_s: number; sweep: number | null; text: string; is_undone: boolean;
}

export interface Job {
  job_id: string; log_id: string; kind: string; track_id: string; done: number; of: number; message: string;
  status: 'waiting' | 'running' | 'done' | 'failed' | 'cancelled';
}

/** A box at one sweep, world frame: metres and radians. */
export interface Box {center: number[]; size: number[]; yaw: number}

/** A shape on an image as geometry/shapes.py has it: points are pixel centres, a box is its edges. */
export type Shape2d =
  | {kind: 'box'; box_px: number[]}
  | {kind: 'polygon'; parts_px: number[][][]}
  | {kind: 'mask'; size_px: number[]; counts: string}
  | {kind: 'keypoints'; points_px: number[][]; visibility: number[]}
  | {kind: 'polyline'; points_px: number[][]};

export type Geometry = Shape2d['kind'];

export interface ImageLabel {
  image: number; track_id: string; class_name: string; geometry: Geometry; shape: Shape2d | null; is_key: boolean;
  visible: boolean; expected_iou: number | null; source: string; is_stale: boolean;
}
