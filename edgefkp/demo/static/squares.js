// What stands in for a face finder where no file of one is there: squares of every size that a face may have, about
// half a side apart, those in the middle first.

export class Squares {
  next = 0;
  predictions = 3; // of each: the first crop is hardly ever cut well

  // The following square of the video's frame, as a list of boxes.
  async find({ videoWidth: width, videoHeight: height }) {
    const far = ({ x, y }) => Math.hypot(x - width / 2, y - height / 2);
    const all = [0.55, 0.4, 0.28, 0.8].flatMap((share) => {
      const side = share * Math.min(width, height);
      const places = middles(height, side).flatMap((y) => middles(width, side).map((x) => ({ x, y, side, roll: 0 })));
      return places.sort((one, other) => far(one) - far(other));
    });
    return Array.from({ length: 5 }, () => all[this.next++ % all.length]);
  }
}

function middles(length, side) {
  const steps = Math.ceil((2 * (length - side)) / side);
  return Array.from({ length: steps + 1 }, (_, i) => side / 2 + (i * (length - side)) / Math.max(steps, 1));
}
