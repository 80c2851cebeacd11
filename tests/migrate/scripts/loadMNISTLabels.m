function labels = loadMNISTLabels(filename)
fp = fopen(filename, 'rb');
if fp < 0
    error(['Could not open ' filename]);
end
magic = fread(fp, 1, 'int32', 0, 'ieee-be');
numLabels = fread(fp, 1, 'int32', 0, 'ieee-be');
labels = fread(fp, inf, 'unsigned char');
assert(size(labels,1) == numLabels, 'Mismatch in label count');
fclose(fp);
end
