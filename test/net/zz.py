import sys, collections
import dissecting
for p in sys.argv[1:]:
    d=dissecting.compare(p, {}, )
    c=collections.Counter(' '.join(x.split()[1:2]) for x in d)
    print(p, len(d), c.most_common(12)); print('\n'.join(d[:8]))
